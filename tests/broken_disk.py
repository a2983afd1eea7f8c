"""A disk that is full or read-only, at one step of writing a file. No permission bits: root may write everywhere."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

STEPS = ("open", "write", "fsync", "replace")
"""The steps of writing a file atomically."""


DEAD = 9
"""Exit status of a process that died at a step."""


@contextmanager
def broken_disk(step: str, code: int, *, spared: int = 0) -> Iterator[None]:
    """Lets one step fail, after it went well `spared` times.

    Args:
        step: one of `STEPS`, or `rename`.
        code: an errno.
        spared: how often it still goes well.
    """

    def fail() -> NoReturn:
        raise OSError(code, os.strerror(code))

    with _ending_at(step, fail, spared):
        yield


@contextmanager
def dying_at(step: str, *, spared: int = 0) -> Iterator[None]:
    """Ends this process at a step, as kill -9 would: nothing is closed, nothing is tidied up."""
    with _ending_at(step, lambda: os._exit(DEAD), spared):
        yield


def died(work: Callable[[], object], step: str, *, spared: int = 0) -> bool:
    """Whether a process of its own that does `work` died at that step, which it does if it comes there."""
    child = os.fork()
    if child == 0:
        try:
            with dying_at(step, spared=spared):
                work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DEAD


@contextmanager
def _ending_at(step: str, end: Callable[[], NoReturn], spared: int) -> Iterator[None]:
    left = spared

    def failing(original: Callable[..., Any]) -> Callable[..., Any]:
        def fail(*args: Any, **named: Any) -> Any:
            nonlocal left
            if step in ("open", "write") and "r" in (args[1] if len(args) > 1 else named.get("mode", "r")):
                return original(*args, **named)  # reading goes well
            left -= 1
            if left >= 0:
                return original(*args, **named)
            if step == "write":
                return _Full(original(*args, **named), end)
            end()

        return fail

    owner: Any = os if step == "fsync" else Path
    name = "open" if step == "write" else step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, failing(getattr(owner, name)))
        yield


class _Full:
    """A file that takes half of what is written into it."""

    def __init__(self, file: Any, end: Callable[[], NoReturn]) -> None:
        self._file = file
        self._end = end

    def __enter__(self) -> "_Full":
        return self

    def __exit__(self, *_reason: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        self._file.write(content[: len(content) // 2])
        self._file.flush()
        self._end()
