"""What several benchmarks measure with: the model, ParaRel prompts, and the rate of a large matrix product."""

import time

import numpy as np
import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from harness.data.folder import load_folder
from harness.execution.plan import make_plan
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.shared_data import SHARED

QUERIES = 16


def gpt2_small() -> LoadedModel:
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(SHARED / "data/gpt2-tokenizer")
    return LoadedModel(name="gpt2", model=GPT2LMHeadModel(GPT2Config()), tokenizer=tokenizer, fingerprint="random")


def pararel_prompts(model: LoadedModel) -> list[EncodedQuery]:
    """A seeded sample, sorted by length; its mean length is the mean over ParaRel to a tenth of a token."""
    dataset = load_folder(SHARED / "data/pararel").sample(20, seed=0)
    plan = make_plan(dataset.queries(), model.tokenizer, context_length=1024)
    rng = np.random.default_rng(7)
    while True:
        chosen = [plan.requests[i].encoded for i in rng.choice(len(plan.requests), size=QUERIES, replace=False)]
        if abs(np.mean([len(query.prompt_ids) for query in chosen]) - 7.7) < 0.1:
            return sorted(chosen, key=lambda query: len(query.prompt_ids))


def gemm_rate() -> float:
    """Floating-point operations a second of a large float32 matrix product, the best of several."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    best = float("inf")
    for _ in range(12):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2 * 2048**3 / best
