"""Localization on Ray: one actor a GPU, or a share of a node's cores. The one module that imports ray.

Actors get builtins and give rows back; the store is the driver's alone, so nodes need not share a disk.
"""

import logging
import os
import sys
from collections.abc import Generator, Sequence
from typing import Any, cast

import ray
import torch
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayError, RayTaskError, TaskCancelledError

from harness.errors import ConfigError, HarnessError, ModelError
from harness.execution.dispatch import Dispatch, WorkerDied
from harness.execution.engine import Job
from harness.execution.plan import Request
from harness.execution.worker import Order, ShardWorker, Specs, make_order
from harness.store.rows import LocalizationRow

LOCAL = "local"
AUTO = "auto"

_OBJECT_STORE_BYTES = 200_000_000
"""Of a cluster of our own: what passes through are queries and rows."""

_OUR_ENDS = (RayTaskError, GetTimeoutError, TaskCancelledError)
"""Errors of Ray that do not mean that a process or node is gone."""


class RayEngine:
    """The engine of many devices: actors that hold the model compute shards, and this process collects rows."""

    def __init__(self, specs: Specs, *, adapter: str | None, address: str, actors: int | None) -> None:
        """Connects to nothing yet.

        Args:
            specs: the session's localizers.
            adapter: package.module:attribute of a family's row; None for none.
            address: `local` for a cluster of this machine alone that ends with this process; `auto` for the one that
                runs here or that RAY_ADDRESS names, else a local one; or an address.
            actors: how many; None for one a GPU, or one for as many cores as this process has threads.
        """
        self._specs = specs
        self._adapter = adapter
        self._address = address
        self._actors = actors
        self._recipe: dict[str, Any] | None = None
        self._dispatch: Dispatch[ActorHandle, ray.ObjectRef] | None = None
        self._workers: _Actors | None = None

    def compute(self, shards: Sequence[Sequence[Request]], job: Job) -> Generator[list[LocalizationRow]]:
        """Hands shards to actors, which stay until another model is asked for; see `Engine`.

        Raises:
            ConfigError: Ray cannot be reached, or the job cannot be done elsewhere.
            ModelError: actors cannot load the model, or die again and again.
        """
        order = make_order(job, self._specs, self._adapter)
        if self._recipe != order.model or self._dispatch is None or self._workers is None:
            self.close()
            connect(self._address)
            size, share = _division(order.model["device"], self._actors)
            self._recipe = order.model
            self._workers = _Actors(order, share)
            self._dispatch = Dispatch(self._workers, size=size, model=job.handle.name)
        self._workers.order = order
        yield from self._dispatch.compute(shards)

    def close(self) -> None:
        """Ends the actors; a cluster of our own goes on until this process ends."""
        if self._dispatch is not None and ray.is_initialized():
            self._dispatch.close()
        self._dispatch = self._workers = self._recipe = None


def connect(address: str) -> None:
    """Connects this process to a cluster, unless it is connected.

    Raises:
        ConfigError: there is none at that address.
    """
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # the network is the user's to ask
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # actors without a GPU see what the driver sees
    try:
        if address == LOCAL:
            _start()
        elif address != AUTO or os.environ.get("RAY_ADDRESS"):
            _join(address)
        else:
            try:
                _join(AUTO)
            except ConnectionError:  # none runs here
                _start()
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ConfigError(
            f"no Ray cluster answers at --ray-address {address} ({reason}). Start one with `ray start --head`, or take"
            " --ray-address local",
            setting="ray-address",
            value=address,
        ) from error


def _join(address: str) -> None:
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)


def _start() -> None:
    """Starts a cluster of this machine; its processes look for modules where this one does."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([os.getcwd(), *filter(None, sys.path)])
    try:
        ray.init(
            address=LOCAL,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _division(device: str, actors: int | None) -> tuple[int, dict[str, float]]:
    """How many actors there are, and what each is given.

    Raises:
        ConfigError: a device that actors cannot have.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError(
            f"with --engine ray every actor has a GPU of its own; --device takes auto, cpu or cuda, not {device}",
            setting="device",
            value=device,
        )
    resources = ray.cluster_resources()
    gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
    if device != "cpu" and gpus:
        return min(actors or gpus, gpus), {"num_cpus": 1, "num_gpus": 1}
    if device == "cuda":
        raise ConfigError("this Ray cluster has no GPU; use --device cpu", setting="device", value=device)
    threads = torch.get_num_threads() if actors is None else max(1, cpus // actors)
    return (actors or max(1, cpus // threads)), {"num_cpus": min(threads, cpus)}


class _Remote(ShardWorker):
    """A worker in an actor: its errors are told as texts, because not every one can be pickled."""

    def told_load(self) -> str | None:
        """Loads the model; gives what went wrong."""
        try:
            self.load()
        except HarnessError as error:
            return str(error)
        return None

    def told_rows(self, order: Order, requests: Sequence[Request]) -> list[LocalizationRow] | str:
        """The rows of a shard, or what went wrong."""
        try:
            return self.rows(order, requests)
        except HarnessError as error:
            return str(error)


class _Actors:
    """Actors with one model: `Workers` of a dispatch."""

    def __init__(self, order: Order, share: dict[str, float]) -> None:
        self.order = order
        self._share = share

    def start(self) -> tuple[ActorHandle, ray.ObjectRef]:
        # Who restarts a dead actor is the dispatch, which knows what the actor had to do.
        kind = cast(Any, ray.remote(_Remote)).options(max_restarts=0, max_task_retries=0, **self._share)
        on_gpu = "num_gpus" in self._share
        recipe = {**self.order.model, "device": "cuda" if on_gpu else "cpu"}  # an actor without its GPU is an error
        threads = None if on_gpu else int(self._share["num_cpus"])
        actor = kind.remote(recipe, self.order.adapter, threads=threads)
        return actor, actor.told_load.remote()

    def submit(self, worker: ActorHandle, requests: Sequence[Request]) -> ray.ObjectRef:
        return cast(Any, worker).told_rows.remote(self.order, list(requests))

    def wait(self, tickets: Sequence[ray.ObjectRef]) -> ray.ObjectRef:
        done, _ = ray.wait(list(tickets), num_returns=1)
        return done[0]

    def result(self, ticket: ray.ObjectRef) -> list[LocalizationRow]:
        try:
            found: list[LocalizationRow] | str | None = ray.get(ticket)
        except _OUR_ENDS:
            raise
        except RayError as error:
            raise WorkerDied(" ".join(str(error).split())[:300]) from error
        if isinstance(found, str):
            raise ModelError(found, model=str(self.order.model["name"]))
        return found or []

    def stop(self, worker: ActorHandle) -> None:
        ray.kill(worker)
