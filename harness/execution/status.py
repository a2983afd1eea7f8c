"""What is being localized right now: every process says it in a small file of the store, so that others can read it.

The files are a convenience: where they cannot be written, localization goes on without.
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, cast

from harness.atomic import write_atomically
from harness.execution.progress import Progress

FOLDER: Final = "running"

SECONDS_BETWEEN_WRITES: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One localization under way, as the process that does it last told.

    Attributes:
        label: what is localized.
        total: queries in all.
        done: queries done, those that were in the store before among them.
        before: queries that were in the store before.
        since: when it began, in seconds since 1970.
        updated: when this was written, in seconds since 1970.
        pid: the process.
        host: where it runs.
    """

    label: str
    total: int
    done: int
    before: int
    since: float
    updated: float
    pid: int
    host: str

    @property
    def rate(self) -> float | None:
        """Queries a second; None before the first are done."""
        seconds, new = self.updated - self.since, self.done - self.before
        return new / seconds if new and seconds > 0 else None

    def seconds_left(self, now: float) -> float | None:
        """Until all are done at this rate; None before the first are."""
        rate = self.rate
        return None if rate is None else max((self.total - self.done) / rate - (now - self.updated), 0.0)

    @property
    def dead(self) -> bool:
        """Whether its process has ended without saying so; of another host nobody here knows."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # somebody else's
            return False
        return False


class Recorded:
    """Passes on to another `Progress`, and keeps this process's file in the store."""

    def __init__(self, progress: Progress, store: Path) -> None:
        """Writes nothing yet."""
        self._progress = progress
        self._folder = store / FOLDER
        self._path = self._folder / f"{socket.gethostname()}-{os.getpid()}.json"
        self._running: Running | None = None
        self._written = 0.0

    def start(self, label: str, total: int, done: int) -> None:
        """Writes the file; removes those of dead processes."""
        self._progress.start(label, total, done)
        for path, running in _files(self._folder):
            if running.dead:
                _remove(path)
        now = time.time()
        self._running = Running(
            label=label,
            total=total,
            done=done,
            before=done,
            since=now,
            updated=now,
            pid=os.getpid(),
            host=socket.gethostname(),
        )
        self._write()

    def advance(self, queries: int) -> None:
        """Writes the file anew, at most once a second."""
        self._progress.advance(queries)
        if self._running is not None:
            self._running = replace(self._running, done=self._running.done + queries, updated=time.time())
            if time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
                self._write()

    def stop(self) -> None:
        """Removes the file."""
        self._running = None
        _remove(self._path)
        self._progress.stop()

    def wait(self, label: str) -> None:
        """Leaves it to the process that computes."""
        self._progress.wait(label)

    def _write(self) -> None:
        self._written = time.monotonic()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            assert self._running is not None
            write_atomically(self._path, json.dumps(asdict(self._running)).encode())


def running(store: Path) -> list[Running]:
    """What processes say that they localize into a store, the longest first; those that died in it are among them."""
    return sorted((found for _, found in _files(store / FOLDER)), key=lambda one: one.since)


def _files(folder: Path) -> Iterator[tuple[Path, Running]]:
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):  # gone, or not ours
            yield path, _read(json.loads(path.read_text(encoding="utf-8")))


def _read(found: object) -> Running:
    """Raises TypeError unless `found` is what `Recorded` writes."""
    values = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    for field in fields(Running):
        kinds = (int, float) if field.type is float else (field.type,)
        value = values.get(field.name)
        if not isinstance(value, cast(Any, kinds)) or isinstance(value, bool):
            raise TypeError(field.name)
    return Running(**values)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
