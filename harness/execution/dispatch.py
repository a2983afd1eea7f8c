"""Shards handed out to workers that may die: whatever a dead one had is given to another."""

from collections import deque
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from harness.errors import ModelError
from harness.execution.plan import Request
from harness.store.rows import LocalizationRow

ATTEMPTS = 3
"""Workers that may die on a shard, or one after the other at their start, before it is given up."""

WorkerT = TypeVar("WorkerT")
TicketT = TypeVar("TicketT", bound=Hashable)


class WorkerDied(Exception):  # noqa: N818  (it is no mistake of anybody)
    """A worker, or the node that held it or its result, is gone."""


class Workers(Protocol[WorkerT, TicketT]):
    """Processes that compute shards; whatever they are asked for is waited for by a ticket."""

    def start(self) -> tuple[WorkerT, TicketT]:
        """Starts a worker; its ticket comes up when its model is loaded."""
        ...

    def submit(self, worker: WorkerT, requests: Sequence[Request]) -> TicketT:
        """Has a worker compute a shard."""
        ...

    def wait(self, tickets: Sequence[TicketT]) -> TicketT:
        """The first ticket that comes up, however it ends."""
        ...

    def result(self, ticket: TicketT) -> list[LocalizationRow]:
        """What a ticket that came up brought: rows; none for that of a start.

        Raises:
            WorkerDied: the worker is gone.
            HarnessError: it says that it cannot do it.
        """
        ...

    def stop(self, worker: WorkerT) -> None:
        """Ends a worker, which may be dead."""
        ...


@dataclass(slots=True)
class _Shard:
    """A shard and how many workers died on it."""

    requests: Sequence[Request]
    deaths: int = 0


class Dispatch(Generic[WorkerT, TicketT]):
    """Keeps the workers of one model busy; they stay for the next shards."""

    def __init__(self, workers: Workers[WorkerT, TicketT], *, size: int, model: str) -> None:
        """Starts none yet.

        Args:
            workers: where they come from.
            size: how many there are at most.
            model: name of their model, for errors.
        """
        self._workers = workers
        self._size = size
        self._model = model
        self._idle: list[WorkerT] = []
        self._busy: dict[TicketT, tuple[WorkerT, _Shard | None]] = {}
        self._failed_starts = 0

    def compute(self, shards: Sequence[Sequence[Request]]) -> Generator[list[LocalizationRow]]:
        """Gives the rows of each shard as it is done.

        Raises:
            ModelError: several workers died on one shard, or at their start.
            HarnessError: a worker says that it cannot do it.
        """
        waiting = deque(_Shard(requests) for requests in shards)
        try:
            while waiting or any(shard is not None for _, shard in self._busy.values()):
                self._hand_out(waiting)
                ticket = self._workers.wait(list(self._busy))
                worker, shard = self._busy.pop(ticket)
                try:
                    rows = self._workers.result(ticket)
                except WorkerDied as death:
                    self._workers.stop(worker)
                    self._bury(shard, waiting, death)
                    continue
                except BaseException:
                    self._workers.stop(worker)
                    raise
                self._idle.append(worker)
                self._failed_starts = 0
                if shard is not None:
                    self._hand_out(waiting)  # before the caller writes: nobody is to wait for the disk
                    yield rows
        finally:
            self._break_off()

    def close(self) -> None:
        """Ends all workers."""
        self._break_off(starting=True)
        for worker in self._idle:
            self._workers.stop(worker)
        self._idle.clear()

    def _hand_out(self, waiting: "deque[_Shard]") -> None:
        """Gives waiting shards to idle workers, and starts more workers where there are too few."""
        while waiting and self._idle:
            worker, shard = self._idle.pop(), waiting.popleft()
            self._busy[self._workers.submit(worker, shard.requests)] = (worker, shard)
        starting = sum(shard is None for _, shard in self._busy.values())
        while len(self._busy) + len(self._idle) < self._size and starting < len(waiting):
            worker, ticket = self._workers.start()
            self._busy[ticket] = (worker, None)
            starting += 1

    def _bury(self, shard: _Shard | None, waiting: "deque[_Shard]", death: WorkerDied) -> None:
        """Puts a dead worker's shard first in the queue, unless too many died."""
        if shard is None:
            self._failed_starts += 1
            deaths, where = self._failed_starts, "while loading it"
        else:
            shard.deaths += 1
            deaths, where = shard.deaths, f"on the same {len(shard.requests)} queries"
            waiting.appendleft(shard)
        if deaths >= ATTEMPTS:
            raise ModelError(
                f"{deaths} processes with {self._model!r} died {where}, the last because {death}; what is stored stays."
                " A lack of host memory is the usual cause: fewer processes with --ray-actors",
                model=self._model,
            ) from death

    def _break_off(self, *, starting: bool = False) -> None:
        """Ends workers whose shard nobody waits for any more; those that only load their model may go on."""
        for ticket, (worker, shard) in list(self._busy.items()):
            if shard is not None or starting:
                self._workers.stop(worker)
                del self._busy[ticket]
