"""One process at a time: what several would compute alike is computed by one of them, and read by the others."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def alone(path: Path, waiting: Callable[[], None]) -> Generator[None]:
    """Lets one process at a time inside, of all that name the same file.

    The lock belongs to the process and not to the file: the operating system gives it back when its holder ends,
    however it ends, so a crash blocks nobody. Not for one process to take twice.

    Where the file cannot be written everybody may enter: nothing else can be written there either, and what is read
    needs no guard.

    Args:
        path: the lock's file, in a folder that exists; it stays.
        waiting: called once, if another process is inside.
    """
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        waiting()
        lock.acquire()
    except OSError:
        pass
    try:
        yield
    finally:
        lock.release()
