"""Handing out shards, against workers that die as they are told: no process, no model."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.facts import Fact, Query
from harness.errors import HarnessError, ModelError
from harness.execution.dispatch import ATTEMPTS, Dispatch, WorkerDied
from harness.execution.plan import Request
from harness.models.queries import EncodedQuery
from harness.store.rows import LocalizationRow
from tests.harness.store.test_localizations import row


def shard(number: int) -> list[Request]:
    fact = Fact(uid=f"u{number}", relation="P1", subject="s", object="o")
    encoded = EncodedQuery(prompt="p", prompt_ids=(number,), answer_ids=(0,))
    return [Request(query=Query(fact=fact, index=0, pattern_id="P1:1", prompt="p"), encoded=encoded)]


def rows_of(requests: Sequence[Request]) -> list[LocalizationRow]:
    return [row(request.encoded.key) for request in requests]


@dataclass
class Scripted:
    """Workers are numbers; `ends` says how tickets end, in the order in which they come up; then all is well."""

    ends: list[str] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    started: int = 0
    stopped: list[int] = field(default_factory=list)
    alive: set[int] = field(default_factory=set)
    most: int = 0
    asked: dict[int, Sequence[Request] | None] = field(default_factory=dict)

    def start(self) -> tuple[int, int]:
        self.started += 1
        self.alive.add(self.started)
        self.most = max(self.most, len(self.alive))
        return self.started, self._ticket(None)

    def submit(self, worker: int, requests: Sequence[Request]) -> int:
        assert worker in self.alive
        return self._ticket(requests)

    def wait(self, tickets: Sequence[int]) -> int:
        assert tickets, "waits for nothing"
        return tickets[(self.order.pop(0) if self.order else 0) % len(tickets)]

    def result(self, ticket: int) -> list[LocalizationRow]:
        end = self.ends.pop(0) if self.ends else "well"
        if end == "dies":
            raise WorkerDied("it was killed")
        if end == "refuses":
            raise ModelError("it does not fit", model="m")
        requests = self.asked[ticket]
        return [] if requests is None else rows_of(requests)

    def stop(self, worker: int) -> None:
        self.stopped.append(worker)
        self.alive.discard(worker)

    def _ticket(self, requests: Sequence[Request] | None) -> int:
        self.asked[len(self.asked)] = requests
        return len(self.asked) - 1


def keys(found: Sequence[Sequence[LocalizationRow]]) -> list[str]:
    return sorted(one.row_key for rows in found for one in rows)


@given(
    n=st.integers(0, 12),
    size=st.integers(1, 4),
    deaths=st.lists(st.booleans(), max_size=ATTEMPTS - 1),
    gaps=st.lists(st.integers(0, 9), max_size=8),
    order=st.lists(st.integers(0, 9), max_size=30),
)
def test_every_shard_comes_once_whoever_dies_and_in_whatever_order(
    n: int, size: int, deaths: list[bool], gaps: list[int], order: list[int]
) -> None:
    ends: list[str] = []
    for index, dies in enumerate(deaths):
        ends += ["well"] * (gaps[index] if index < len(gaps) else 0) + (["dies"] if dies else [])
    workers = Scripted(ends=ends, order=order)
    dispatch = Dispatch(workers, size=size, model="m")
    shards = [shard(i) for i in range(n)]
    found = list(dispatch.compute(shards))
    assert keys(found) == keys([rows_of(requests) for requests in shards])
    assert workers.most <= min(size, max(n, 1))
    dispatch.close()
    assert not workers.alive


def test_workers_stay_for_the_next_shards() -> None:
    workers = Scripted()
    dispatch = Dispatch(workers, size=2, model="m")
    list(dispatch.compute([shard(0), shard(1), shard(2)]))
    list(dispatch.compute([shard(3), shard(4)]))
    assert (workers.started, workers.stopped) == (2, [])


def test_a_shard_that_kills_every_worker_is_given_up_and_named() -> None:
    workers = Scripted(ends=["well", *(["dies", "well"] * ATTEMPTS)])
    dispatch = Dispatch(workers, size=1, model="big")
    with pytest.raises(ModelError, match=rf"{ATTEMPTS} processes with 'big' died on the same 1 queries.*--ray-actors"):
        list(dispatch.compute([shard(0)]))
    assert workers.started == ATTEMPTS
    assert not workers.alive


def test_workers_that_die_at_their_start_are_given_up() -> None:
    workers = Scripted(ends=["dies"] * ATTEMPTS)
    with pytest.raises(ModelError, match="while loading it"):
        list(Dispatch(workers, size=1, model="big").compute([shard(0)]))
    assert workers.started == ATTEMPTS


def test_what_a_worker_refuses_ends_the_rest() -> None:
    workers = Scripted(ends=["well", "well", "refuses"])
    with pytest.raises(HarnessError, match="does not fit"):
        list(Dispatch(workers, size=2, model="m").compute([shard(i) for i in range(6)]))
    assert not workers.alive


def test_a_caller_that_breaks_off_leaves_no_worker_busy() -> None:
    workers = Scripted()
    computed = Dispatch(workers, size=2, model="m").compute([shard(i) for i in range(6)])
    next(computed)
    computed.close()
    assert len(workers.alive) <= 1  # one that has nothing to do may stay
