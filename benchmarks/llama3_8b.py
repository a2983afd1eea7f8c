"""LLaMA-3-8B's shape on one GPU: seconds a query, memory and share of the card's matrix rate, for every localizer.

    python -m benchmarks.llama3_8b --dtype float32 --dtype bfloat16

Random weights and tokens (speed depends on neither); prompts as long as ParaRel's. SIG, which integrates one path a
word, gets an eighth of the queries.
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np
import torch
from tabulate import tabulate
from transformers import LlamaConfig, LlamaForCausalLM

from harness.attribution.quadrature import Quadrature
from harness.execution.estimate import matrix_product_rate
from harness.localizers import make_localizer
from harness.localizers.cost import HasCost
from harness.models.loaded import LoadedModel
from harness.models.placement import DTYPES
from harness.models.queries import EncodedQuery
from harness.models.shape import shape_of
from tests.random_models import word_tokenizer

PARAREL_LENGTHS = {4: 3, 5: 12, 6: 20, 7: 26, 8: 25, 9: 18, 10: 13, 11: 6, 12: 3, 13: 1, 14: 1}
"""Prompts by their number of tokens: ParaRel's shares of 128, under GPT-2's tokenizer."""

VOCABULARY = 128_256
WARM_UP = 32
"""Queries before the clock starts: a full batch, for memory and kernels are prepared by its size."""


def llama3_8b(dtype: torch.dtype, device: torch.device) -> LoadedModel:
    """Random weights in the shape of Meta-Llama-3-8B."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=4096,
        intermediate_size=14_336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=8192,
        rms_norm_eps=1e-5,
        bos_token_id=0,
        eos_token_id=0,
        tie_word_embeddings=False,
        dtype=dtype,
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    return LoadedModel(name="llama3-8b-shape", model=model, tokenizer=word_tokenizer(), fingerprint="random")


def prompts(n: int) -> list[EncodedQuery]:
    """Random tokens, the shortest first; fewer than all are spread over all lengths."""
    rng = np.random.default_rng(0)
    lengths = [length for length, count in PARAREL_LENGTHS.items() for _ in range(count)]
    every = [
        EncodedQuery(
            prompt="",
            prompt_ids=tuple(rng.integers(1, VOCABULARY, size=length).tolist()),
            answer_ids=(int(rng.integers(1, VOCABULARY)),),
        )
        for length in lengths
    ]
    return [every[i] for i in np.linspace(0, len(every) - 1, n).round().astype(int)]


def measured(
    model: LoadedModel, name: str, queries: Sequence[EncodedQuery], quadrature: Quadrature, rate: float
) -> list[str]:
    """A row of the table."""
    localizer = make_localizer(name, quadrature=quadrature)
    assert isinstance(localizer, HasCost)
    localizer.attribute(model, queries[:WARM_UP], batch_size=None)
    torch.cuda.reset_peak_memory_stats()
    weights = torch.cuda.memory_allocated()
    torch.cuda.synchronize()
    start = time.perf_counter()
    localizer.attribute(model, queries, batch_size=None)
    torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    lengths = [len(query.prompt_ids) for query in queries]
    cost = localizer.cost(shape_of(model), lengths, [1] * len(lengths), batch_size=None)
    beyond = torch.cuda.max_memory_allocated() - weights
    return [
        str(model.dtype).removeprefix("torch."),
        name,
        str(quadrature),
        str(len(queries)),
        f"{seconds / len(queries):.4f}",
        f"{cost.operations / len(queries) / 1e12:.1f}",
        f"{cost.operations / seconds / 1e12:.0f}",
        f"{cost.operations / seconds / rate:.0%}",
        f"{weights / 2**30:.1f}",
        f"{beyond / 2**30:.1f}",
        f"{cost.working_bytes / 2**30:.1f}",
    ]


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", action="append", choices=DTYPES)
    parser.add_argument("--localizer", default="ig,amig,sig")
    parser.add_argument("--quadrature", default="right:20")
    parser.add_argument("--queries", type=int, default=128)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("no CUDA device is visible here; this shape needs one of 64 GiB or more")
    device, rows = torch.device("cuda"), list[list[str]]()
    print(torch.cuda.get_device_name(), "torch", torch.__version__, flush=True)
    for dtype in options.dtype or ["float32", "bfloat16"]:
        model = llama3_8b(DTYPES[dtype], device)
        rate = matrix_product_rate(device, dtype)
        print(f"{dtype}: a large matrix product runs at {rate / 1e12:.0f} TFLOP/s", flush=True)
        for name in options.localizer.split(","):
            n = max(1, options.queries // 8) if name == "sig" else options.queries
            rows.append(measured(model, name, prompts(n), Quadrature.parse(options.quadrature), rate))
            print(rows[-1], flush=True)
        del model
        torch.cuda.empty_cache()
    columns = ("dtype", "localizer", "rule", "queries", "s a query", "TFLOP a query", "TFLOP/s", "of the matrix rate")
    memory = ("weights, GiB", "beyond, GiB", "estimated, GiB")
    print(tabulate(rows, headers=[*columns, *memory], disable_numparse=True))


if __name__ == "__main__":
    main()
