"""Under pytest-xdist with several GPUs, one GPU a process.

A process sees only its own, so nothing else of it can touch another. Which GPUs there are is counted by the process
that starts the others: counting may initialise CUDA, after which no process can change what it sees.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
import torch

from harness.execution.leases import Lease, lease_gpu, visible_gpus

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
_FOLDER: Final = "kn_lease_folder"
_GPUS: Final = "kn_gpus"
LEASE = pytest.StashKey[Lease]()


def process_count(config: pytest.Config) -> int | None:
    """What `-n auto` means: one process a visible GPU; None, for xdist's own count, where none is to be used."""
    gpus = len(_gpus(config))
    if not gpus:
        return None
    return 1 if _said(config, "kn_device_map") else gpus


def take_gpu(config: pytest.Config) -> None:
    """In a process of xdist's: takes a GPU for as long as it lives, before CUDA is initialised."""
    told: dict[str, Any] = getattr(config, "workerinput", {})
    if told.get(_GPUS):
        lease = lease_gpu(Path(told[_FOLDER]), told[_GPUS])
        config.stash[LEASE] = lease
        os.environ[VISIBLE] = lease.gpu


class Lender:
    """In the process that starts the others: tells them which GPUs there are, and where they are lent."""

    def __init__(self, config: pytest.Config) -> None:
        """Counts them."""
        one_each = config.getoption("tx", default=None) and not _said(config, "kn_device_map")
        gpus = _gpus(config) if one_each else ()
        self._gpus = list(gpus) if len(gpus) > 1 else []
        self._folder = Path(tempfile.mkdtemp(prefix="kntests-gpus-")) if self._gpus else None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tells a process before it starts; one that takes a crashed one's place is told the same."""
        if self._folder is not None:
            node.workerinput.update({_GPUS: self._gpus, _FOLDER: str(self._folder)})

    def pytest_unconfigure(self) -> None:
        """Removes the locks, which nobody holds any more."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _gpus(config: pytest.Config) -> tuple[str, ...]:
    """The visible GPUs, if --device lets models go to any of them."""
    if (_said(config, "kn_device") or "auto") not in ("auto", "cuda"):
        return ()
    return visible_gpus(os.environ.get(VISIBLE), torch.cuda.device_count())


def _said(config: pytest.Config, key: str) -> str | None:
    """An option that needs no checking here: on the command line, else in the ini file."""
    said: str | None = config.getoption(key)
    return config.getini(key) if said is None else said
