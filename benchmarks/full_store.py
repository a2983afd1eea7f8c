"""A store as all of ParaRel fills it, with made-up localizations; and, as a command, what reading it again costs.

python -m benchmarks.full_store MODEL DATA STORE     # prints JSON; the store has to be complete
"""

import json
import resource
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerBase

from harness.attribution.quadrature import Quadrature
from harness.consistency import Groups, consistency_scores
from harness.execution.engine import Job
from harness.execution.plan import Request
from harness.localizers import Localizer, make_localizer
from harness.localizers.selection import STORED_FRACTION
from harness.models.handle import resolve_model
from harness.pipeline.settings import Settings
from harness.pipeline.workspace import Workspace
from harness.store.rows import LocalizationRow

LAYERS, D_FF = 12, 3072
ENTRIES = 60
"""Stored neurons a query, in the mean; trained models of a few layers had 8 and 87."""


def localizers() -> list[Localizer]:
    return [make_localizer(name, quadrature=Quadrature()) for name in ("ig", "sig", "amig")]


def save_model(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """A model with the neurons of GPT-2 small and next to no weights: nothing runs it."""
    config = GPT2Config(vocab_size=len(tokenizer), n_layer=LAYERS, n_inner=D_FF, n_embd=8, n_head=1)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


class MadeUp:
    """An engine that asks no model: queries of a fact share some of their neurons, as if they had been localized."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def compute(self, shards: Sequence[Sequence[Request]], job: Job) -> Generator[list[LocalizationRow]]:
        for shard in shards:
            yield [self._row(request) for request in shard]

    def _row(self, request: Request) -> LocalizationRow:
        query, rng = request.query, self._rng
        of_fact = np.random.default_rng(int(query.fact.uid[:8], 16)).integers(LAYERS * D_FF, size=ENTRIES // 2)
        own = rng.integers(LAYERS * D_FF, size=rng.integers(2, ENTRIES))
        neurons = np.unique(np.concatenate([of_fact, own]))
        scores = rng.uniform(STORED_FRACTION, 1, len(neurons)).astype(np.float32)
        return LocalizationRow(
            row_key=request.encoded.key,
            fact_uid=query.fact.uid,
            relation=query.fact.relation,
            pattern_id=query.pattern_id,
            subject=query.fact.subject,
            object=query.fact.object,
            query_index=query.index,
            prompt=query.prompt,
            answer=query.fact.object,
            answer_probability=rng.random(),
            joint_probability=rng.random(),
            top_token_is_answer=bool(rng.random() < 0.5),
            n_answer_tokens=len(request.encoded.answer_ids),
            max_score=1.0,
            completeness_gap=0.01,
            neurons=tuple(neurons.tolist()),
            scores=tuple(scores.tolist()),
        )


def fill(model: Path, data: Path, store: Path) -> None:
    """Localizes everything that claims rest on under three localizers, by the engine that makes it up."""
    workspace = Workspace(Settings(data=str(data), store=store, device="cpu"), engine=MadeUp())
    for localizer in localizers():
        workspace.cell(resolve_model(str(model), device="cpu"), localizer).gather()


def aggregate(model: Path, data: Path, store: Path) -> dict[str, float]:
    """Reads it all as a session does that finds everything in the store: evidence and the consistency of every fact."""
    started, handle = time.perf_counter(), resolve_model(str(model), device="cpu")
    workspace = Workspace(Settings(data=str(data), store=store, device="cpu"))
    seconds: dict[str, float] = {}
    for localizer in localizers():
        before = time.perf_counter()
        evidence = workspace.evidence(handle, localizer)
        scores = consistency_scores(evidence.sets, Groups.by_label(evidence.fact_of_query))
        seconds[localizer.name] = time.perf_counter() - before
    return {
        **seconds,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "facts": evidence.n_facts,
        "queries": len(evidence.sets),
        "mean_cs2": float(np.nanmean(scores.cs2)),
        "model_loads": handle.n_loads,
    }


if __name__ == "__main__":
    print(json.dumps(aggregate(*map(Path, sys.argv[1:]))))
