"""How a process ends that was interrupted: soon, whatever libraries would still like to do."""

import atexit
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

PATIENCE: Final = 1.0
"""Seconds for Ray to take leave in: enough for the node of a cluster of our own to end its processes."""

GRACE: Final = 2.0
"""Seconds in which an interrupted process is to end by itself. What is on disk is whole at every moment."""


@contextmanager
def ending_when_interrupted(status: int, say: Callable[[], object]) -> Generator[None]:
    """Has this process end within `GRACE` seconds of an interrupt that comes inside, whatever it is computing.

    Python hears of an interrupt when the operation at hand is done, and the gradient of a batch is one operation that
    may take minutes. So another thread is told at once. Nothing is done where this is not the main thread, or where
    somebody else handles interrupts.

    Args:
        status: the exit status.
        say: called before, if the process does not end by itself.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    here, there = socket.socketpair()
    there.setblocking(False)
    before = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(here, status, say), daemon=True, name="interrupts").start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        there.close()  # what was written into it is still read


def _watch(signals: socket.socket, status: int, say: Callable[[], object]) -> None:
    """Reads the number of every signal; ends the process some time after an interrupt."""
    with signals:
        while number := signals.recv(1):
            if number[0] == signal.SIGINT:
                time.sleep(GRACE)
                try:
                    say()
                    sys.stderr.flush()
                finally:
                    os._exit(status)


def leave_soon(status: int) -> None:
    """Has this process end soon where it is connected to a Ray cluster, whose own leave-taking takes seconds.

    Ray waits for one process after the other. What it has not ended in `PATIENCE` ends all the same: the operating
    system ends the head of a cluster of our own with this process, and any other cluster ends what a driver has left.

    Args:
        status: the exit status, with which this process is about to end.
    """
    ray: Any = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        atexit.register(_leave, ray, status)  # registered last, so it comes first


def _leave(ray: Any, status: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, lambda *_: os._exit(status))
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        ray.shutdown()
    os._exit(status)
