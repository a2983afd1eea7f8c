"""How a process ends that was interrupted: soon, whatever libraries would still like to do."""

import atexit
import os
import signal
import sys
from typing import Any, Final

PATIENCE: Final = 1.0
"""Seconds for Ray to take leave in: enough for the node of a cluster of our own to end its processes."""


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
