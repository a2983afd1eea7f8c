"""Throughput on two cores: one process with both, against Ray with two actors of one core each.

A cluster and its actors are started, and the model is loaded, before the clock is; how long that takes is printed.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import pytest
import torch

from benchmarks.conftest import Ledger
from harness.attribution.quadrature import Quadrature
from harness.data.sources import load_dataset
from harness.execution.engine import Engine, Job
from harness.execution.engines import make_engine
from harness.execution.local import InProcess
from harness.execution.plan import Request, make_plan
from harness.localizers import make_localizer
from harness.models.handle import resolve_model

QUADRATURE = Quadrature()
SHARDS, ROWS = 8, 64


@pytest.fixture
def threads() -> Generator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def work() -> tuple[list[list[Request]], Job]:
    model = resolve_model("tiny-gpt2", device="cpu")
    queries = load_dataset("embedded").queries()
    plan = make_plan(queries, model.tokenizer, context_length=model.context_length)
    rows = [request for shard in plan.shards() for request in shard][:: max(1, len(plan.requests) // (SHARDS * ROWS))]
    shards = [rows[first : first + ROWS] for first in range(0, SHARDS * ROWS, ROWS)]
    return shards, Job(handle=model, localizer=make_localizer("ig", quadrature=QUADRATURE), batch_size=None)


def seconds(engine: Engine, shards: Sequence[Sequence[Request]], job: Job) -> float:
    started = time.perf_counter()
    with closing(engine.compute(shards, job)) as computed:
        assert sum(len(rows) for rows in computed) == sum(map(len, shards))
    return time.perf_counter() - started


def test_two_actors_and_one_process(threads: Callable[[int], None], ledger: Ledger) -> None:
    ray = pytest.importorskip("ray")
    shards, job = work()
    found: dict[str, float] = {}
    for n in (1, 2):
        threads(n)
        seconds(InProcess(), [shards[0][:8]], job)
        found[f"one process, {n} threads"] = seconds(InProcess(), shards, job)
    engine = make_engine(
        "ray",
        localizers=["ig"],
        quadrature=QUADRATURE,
        answer="first",
        adapter=None,
        address="local",
        actors=2,
    )
    start = seconds(engine, [shards[0][:8], shards[-1][:8]], job)
    found["Ray, 2 actors of 1 thread"] = seconds(engine, shards, job)
    engine.close()
    ray.shutdown()
    one = found["one process, 1 threads"]
    queries = sum(map(len, shards))
    for what, took in found.items():
        ledger.notes.append(f"{what}: {queries / took:.1f} queries/s, {one / took:.2f} x one thread")
    ledger.notes.append(f"Ray's start, with actors, their imports and the model: {start:.1f} s")
