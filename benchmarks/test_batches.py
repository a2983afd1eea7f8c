"""What the number of queries at once changes: nothing in how much memory many queries take, little in what is found."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.conftest import Ledger
from harness.attribution.quadrature import Quadrature
from harness.data.sources import load_dataset
from harness.execution.engine import Job
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing, open_store
from harness.execution.plan import Plan, make_plan
from harness.execution.progress import Quiet
from harness.localizers import make_localizer
from harness.localizers.selection import Selection
from harness.models.handle import ModelHandle, resolve_model
from harness.pipeline.rows import READ, LocalizedRows

FEW, MANY = 256, 2048
QUERIES = 64
SIZES = (1, 7, 32)


def sample(model: ModelHandle, queries: int) -> Plan:
    """Some of the embedded queries, spread over all."""
    dataset = load_dataset("embedded")
    every = max(1, dataset.n_queries // queries)
    return make_plan(list(dataset.queries())[::every][:queries], model.tokenizer, context_length=model.context_length)


def localized(plan: Plan, model: ModelHandle, store: Path, *, steps: int, batch_size: int | None) -> LocalizedRows:
    localizer = make_localizer("ig", quadrature=Quadrature(rule="right", steps=steps))
    kept = open_store(store, model, localizer)
    job = Job(handle=model, localizer=localizer, batch_size=batch_size)
    localize_missing(plan, job, kept, Quiet(), engine=InProcess(), label="benchmark")
    keys = [request.encoded.key for request in plan.requests]
    return LocalizedRows.of_table(kept.read(keys, READ), keys, Selection())


def peak(queries: int, store: Path) -> float:
    """Peak memory in megabytes of a process of its own that localizes so many queries."""
    code = f"from benchmarks.test_batches import print_peak; print_peak({queries}, {str(store)!r})"
    command = [sys.executable, "-c", code]
    child = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return float(json.loads(child.stdout))


def print_peak(queries: int, store: str) -> None:
    model = resolve_model("tiny-gpt2", device="cpu")
    localized(sample(model, queries), model, Path(store), steps=2, batch_size=None)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def test_memory_is_flat_in_the_number_of_queries(tmp_path: Path, ledger: Ledger) -> None:
    few, many = (peak(queries, tmp_path / str(queries)) for queries in (FEW, MANY))
    ledger.notes.append(f"peak memory of a process that localizes {FEW} queries: {few:.0f} MB, {MANY}: {many:.0f} MB")
    assert many < 1.1 * few


def test_what_batch_size_changes(tmp_path: Path, ledger: Ledger) -> None:
    model = resolve_model("tiny-gpt2", device="cpu")
    plan = sample(model, QUERIES)
    whole = localized(plan, model, tmp_path / "whole", steps=20, batch_size=None)
    for size in SIZES:
        found = localized(plan, model, tmp_path / str(size), steps=20, batch_size=size)
        n = len(plan.requests)
        differing = sum(found.sets.ids(i) != whole.sets.ids(i) for i in range(n))
        tops = (rows.columns["max_score"].to_numpy() for rows in (found, whole))
        change = float(np.max(np.abs(np.divide(*tops) - 1)))
        ledger.notes.append(
            f"batches of {size} against the automatic size, {n} queries: {differing} other sets of knowledge neurons,"
            f" largest score {change:.0e} away at most"
        )
        assert differing <= n // 20
