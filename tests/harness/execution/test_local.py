import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.data.folder import load_folder
from harness.errors import ModelError, StoreError
from harness.execution import plan as plan_module
from harness.execution.engine import Job
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing
from harness.execution.plan import Plan, make_plan
from harness.execution.progress import Quiet
from harness.localizers import AttributionMap, make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.store.localizations import LocalizationStore
from tests.broken_disk import STEPS, broken_disk
from tests.random_models import random_model, word_tokenizer

LOCALIZER = make_localizer("ig", quadrature=Quadrature(rule="right", steps=4))


@pytest.fixture
def handle(tmp_path: Path) -> ModelHandle:
    random_model("gpt2", dtype=torch.float32).model.save_pretrained(tmp_path / "model")
    word_tokenizer().save_pretrained(tmp_path / "model")
    return resolve_model(str(tmp_path / "model"))


@pytest.fixture
def plan(handle: ModelHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(plan_module, "SHARD_ROWS", 8)
    for name, lines in {
        "patterns": ['{"pattern": "w1 [X] w2 [Y]."}', '{"pattern": "[X] w3 w4 w5 [Y]."}'],
        "facts": [f'{{"sub_label": "w{i}", "obj_label": "w{i + 30}", "uuid": "u{i}"}}' for i in range(10, 30)],
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "P1.jsonl").write_text("\n".join(lines))
    return make_plan(load_folder(tmp_path).queries(), handle.tokenizer, context_length=64)


def store_of(root: Path, handle: ModelHandle) -> LocalizationStore:
    return LocalizationStore(root / "store", {**handle.identity(), "config": LOCALIZER.config()})


class Counting:
    """The localizer, counting queries and breaking off when it is told to."""

    def __init__(self, break_at: int | None = None, error: Exception | None = None) -> None:
        self.queries = 0
        self.calls = 0
        self._break_at = break_at
        self._error = error

    @property
    def name(self) -> str:
        return LOCALIZER.name

    def config(self) -> dict[str, Any]:
        return LOCALIZER.config()

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        if self.calls == self._break_at and self._error is not None:
            raise self._error
        self.calls += 1
        self.queries += len(queries)
        return LOCALIZER.attribute(model, queries, batch_size=batch_size)


def run(plan: Plan, handle: ModelHandle, store: LocalizationStore, localizer: Any = LOCALIZER) -> None:
    job = Job(handle=handle, localizer=localizer, batch_size=None)
    localize_missing(plan, job, store, Quiet(), engine=InProcess(), label="test")


def test_rows_hold_what_a_direct_call_gives(plan: Plan, handle: ModelHandle, tmp_path: Path) -> None:
    store = store_of(tmp_path, handle)
    run(plan, handle, store)
    request = plan.requests[7]
    (row,) = store.read([request.encoded.key]).to_pylist()
    (direct,) = LOCALIZER.attribute(handle.loaded(), [request.encoded], batch_size=1)
    flat = direct.scores.ravel()
    kept = np.flatnonzero(flat > 0.05 * flat.max())
    assert row["neurons"] == kept.tolist()
    np.testing.assert_allclose(row["scores"], flat[kept], rtol=1e-4)
    assert (row["fact_uid"], row["prompt"], row["answer"]) == (
        request.query.fact.uid,
        request.query.prompt,
        request.query.fact.object,
    )
    ids = torch.tensor([request.encoded.prompt_ids])
    p = handle.loaded().model(input_ids=ids).logits[0, -1].softmax(-1)[request.encoded.answer_ids[0]]
    assert row["answer_probability"] == pytest.approx(float(p), rel=1e-4)


def test_a_second_run_loads_no_model(plan: Plan, handle: ModelHandle, tmp_path: Path) -> None:
    run(plan, handle, store_of(tmp_path, handle))
    again = resolve_model(str(handle.folder))
    run(plan, again, store_of(tmp_path, again))
    assert (handle.n_loads, again.n_loads) == (1, 0)


def test_after_an_exception_finished_shards_are_reused_to_the_bit(
    plan: Plan, handle: ModelHandle, tmp_path: Path
) -> None:
    store = store_of(tmp_path, handle)
    with pytest.raises(ZeroDivisionError):
        run(plan, handle, store, Counting(break_at=2, error=ZeroDivisionError()))
    assert len(store.present()) == 16
    second = Counting()
    run(plan, handle, store, second)
    assert second.queries == len(plan.requests) - 16
    whole = store_of(tmp_path / "whole", handle)
    run(plan, handle, whole)
    keys = [request.encoded.key for request in plan.requests]
    assert store.read(keys).sort_by("row_key").equals(whole.read(keys).sort_by("row_key"))


def test_a_limited_run_is_reused_by_the_full_one_and_never_taken_for_it(
    plan: Plan, handle: ModelHandle, tmp_path: Path
) -> None:
    store = store_of(tmp_path, handle)
    run(Plan(requests=plan.requests[:10], unscored={}), handle, store)
    assert len(store.present()) == 10
    full = Counting()
    run(plan, handle, store, full)
    assert full.queries == len(plan.requests) - 10


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_fills_up_in_the_middle_keeps_what_is_finished(
    plan: Plan, handle: ModelHandle, tmp_path: Path, step: str
) -> None:
    store = store_of(tmp_path, handle)
    with (
        broken_disk(step, errno.ENOSPC, spared=2),
        pytest.raises(StoreError, match="a shard cannot be written: No space left"),
    ):
        run(plan, handle, store)
    assert len(store.present()) == 16
    second = Counting()
    run(plan, handle, store, second)  # somebody made room
    assert second.queries == len(plan.requests) - 16
    whole = store_of(tmp_path / "whole", handle)
    run(plan, handle, whole)
    keys = [request.encoded.key for request in plan.requests]
    assert store.read(keys).sort_by("row_key").equals(whole.read(keys).sort_by("row_key"))


class Starving(Counting):
    """The localizer on a machine that holds so many queries at once, whatever is asked for."""

    def __init__(self, fits: int, error: Exception) -> None:
        super().__init__()
        self.fits, self.shortage = fits, error
        self.sizes: list[int | None] = []

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        self.sizes.append(batch_size)
        if (batch_size or len(queries)) > self.fits:
            raise self.shortage
        return super().attribute(model, queries, batch_size=batch_size)


SHORTAGES = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize(
    "error",
    [pytest.param(error, marks=[pytest.mark.slow] * (i > 0)) for i, error in enumerate(SHORTAGES)],
    ids=["MemoryError", "CUDA", "CPU"],
)
def test_out_of_memory_halves_the_batch_and_goes_on(
    error: Exception, plan: Plan, handle: ModelHandle, tmp_path: Path
) -> None:
    store, starving = store_of(tmp_path, handle), Starving(3, error)
    run(plan, handle, store, starving)
    keys = {request.encoded.key for request in plan.requests}
    assert store.present() == keys
    assert starving.sizes[:3] == [None, 4, 2]
    lengths = {len(request.encoded.prompt_ids).bit_length() for request in plan.requests}
    assert starving.sizes.count(None) == starving.sizes.count(4) == len(lengths), "what fitted is remembered"
    whole = store_of(tmp_path / "whole", handle)
    run(plan, handle, whole)
    for name in ("scores", "max_score"):
        found, expected = (s.read(keys).sort_by("row_key")[name].to_pylist() for s in (store, whole))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-9)


def test_a_single_query_that_does_not_fit_says_what_to_do(plan: Plan, handle: ModelHandle, tmp_path: Path) -> None:
    store = store_of(tmp_path, handle)
    with pytest.raises(ModelError, match=r"a single query of 3 tokens.*--dtype.*--device"):
        run(plan, handle, store, Starving(0, MemoryError("no memory")))
    assert store.present() == set()


def test_any_other_error_is_not_taken_for_a_lack_of_memory(plan: Plan, handle: ModelHandle, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="memory format"):
        run(plan, handle, store_of(tmp_path, handle), Starving(0, RuntimeError("unsupported memory format")))


def test_killed_in_the_middle_nothing_finished_is_lost(plan: Plan, handle: ModelHandle, tmp_path: Path) -> None:
    """kill -9 as soon as some shards are there; the next run completes them, equal to a run that was never killed."""
    script = f"""
import sys, time
from pathlib import Path
sys.path[:0] = {sys.path!r}
from tests.harness.execution import killable
killable.main(Path({str(tmp_path)!r}), {str(handle.folder)!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    store = store_of(tmp_path, handle)
    deadline = time.monotonic() + 60
    while len(list(store.folder.glob("shard-*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = len(store.present())
    assert 16 <= finished < len(plan.requests)
    rest = Counting()
    run(plan, handle, store, rest)
    assert rest.queries == len(plan.requests) - finished
    whole = store_of(tmp_path / "whole", handle)
    run(plan, handle, whole)
    keys = [request.encoded.key for request in plan.requests]
    assert store.read(keys).sort_by("row_key").equals(whole.read(keys).sort_by("row_key"))


@pytest.mark.slow
def test_two_processes_that_lack_the_same_rows_compute_them_once(
    plan: Plan, handle: ModelHandle, tmp_path: Path
) -> None:
    """The second waits, says so, and finds what it lacked."""
    script = f"""
import sys
from pathlib import Path
sys.path[:0] = {sys.path!r}
from tests.harness.execution import killable
killable.main(Path({str(tmp_path)!r}), {str(handle.folder)!r})
"""
    other = subprocess.Popen([sys.executable, "-c", script])
    store = store_of(tmp_path, handle)
    deadline = time.monotonic() + 60
    while not list(store.folder.glob("shard-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    waiting: list[str] = []

    class Listening(Quiet):
        def wait(self, label: str) -> None:
            waiting.append(label)

    counting = Counting()
    job = Job(handle=handle, localizer=counting, batch_size=None)
    localize_missing(plan, job, store, Listening(), engine=InProcess(), label="test")
    assert other.wait() == 0
    assert (waiting, counting.queries, handle.n_loads) == (["test"], 0, 0)
    assert len(store.present()) == len(plan.requests)
