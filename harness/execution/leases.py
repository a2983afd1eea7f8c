"""GPUs lent to processes: each takes one, and gives it back when it ends, however it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One GPU, held for as long as this object lives in its process.

    Attributes:
        gpu: as CUDA_VISIBLE_DEVICES names it.
        lock: what holds it; the operating system gives it back when the process ends, a crash included.
    """

    gpu: str
    lock: FileLock


def lease_gpu(folder: Path, gpus: Sequence[str]) -> Lease:
    """Takes the GPU that the fewest processes hold, the first of several.

    Where there are more processes than GPUs, these are shared evenly: nobody waits.

    Args:
        folder: of the run; created if need be. Processes that name the same one share the GPUs.
        gpus: what may be taken, at least one, as CUDA_VISIBLE_DEVICES names them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for holders in count():
        for number, gpu in enumerate(gpus):
            lock = FileLock(folder / f"gpu-{number}-{holders}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return Lease(gpu=gpu, lock=lock)
    raise AssertionError("count has no end")


def visible_gpus(listed: str | None, n: int) -> tuple[str, ...]:
    """Names of the visible GPUs.

    Args:
        listed: CUDA_VISIBLE_DEVICES, or None where it is not set.
        n: how many GPUs torch sees: it stops at the first entry that is none.
    """
    entries = [str(number) for number in range(n)] if listed is None else [e.strip() for e in listed.split(",")]
    return tuple(entries[:n])
