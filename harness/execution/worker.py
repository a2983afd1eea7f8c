"""A process that computes shards for another: what it is told, and how it makes model and localizer of that.

It is told builtins, so it need not run on the same machine; before it computes anything it makes sure that what it
made is what it was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError, ModelError
from harness.execution.engine import Job, identity_of
from harness.execution.plan import Request
from harness.execution.shard import ShardComputer
from harness.localizers import HasVariant, Localizer, make_localizer
from harness.models.adapters import load_adapter
from harness.models.handle import ModelHandle, resolve_model
from harness.store.rows import LocalizationRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizerSpec:
    """How to make a localizer anywhere.

    Attributes:
        name: as `--localizer` names it, built in or package.module:attribute.
        rule: of the quadrature.
        steps: of the quadrature.
        answer: which answer tokens count.
        variant: whether the localizer's variant is meant.
    """

    name: str
    rule: str
    steps: int
    answer: str
    variant: bool = False

    def make(self) -> Localizer:
        """The localizer.

        Raises:
            ConfigError: nothing has that name, or it has no variant.
        """
        quadrature = Quadrature(rule=self.rule, steps=self.steps)
        localizer = make_localizer(self.name, quadrature=quadrature, answer=self.answer)
        if not self.variant:
            return localizer
        if not isinstance(localizer, HasVariant):
            raise ConfigError(f"{self.name!r} has no variant", setting="localizer", value=self.name)
        return localizer.variant()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker computes shards with, as builtins.

    Attributes:
        model: a model's recipe, see `ModelHandle.recipe`.
        adapter: package.module:attribute of a family's row; None for none.
        localizer: the method.
        batch_size: queries at once; None for the localizer's judgement.
        identity: what the worker's model and localizer have to be, see `Job.identity`.
    """

    model: dict[str, Any]
    adapter: str | None
    localizer: LocalizerSpec
    batch_size: int | None
    identity: dict[str, Any]


class ShardWorker:
    """Holds one model, loaded once, and computes shards of it under any localizer."""

    def __init__(self, model: dict[str, Any], adapter: str | None, *, threads: int | None = None) -> None:
        """Loads nothing yet.

        Args:
            model: its recipe.
            adapter: package.module:attribute of a family's row; None for none.
            threads: processor threads; None leaves them as they are.
        """
        self._recipe = model
        self._adapter = adapter
        self._threads = threads
        self._handle: ModelHandle | None = None
        self._computers: dict[tuple[LocalizerSpec, int | None], ShardComputer] = {}

    def load(self) -> None:
        """Loads the model.

        Raises:
            HarnessError: it cannot be found or loaded.
        """
        if self._threads is not None:
            torch.set_num_threads(self._threads)
        self._handle = resolve_recipe(self._recipe, self._adapter)
        self._handle.loaded()

    def rows(self, order: Order, requests: Sequence[Request]) -> list[LocalizationRow]:
        """The rows of a shard, in its order.

        Raises:
            ModelError: this is not the model or the localizer that is asked for, or memory runs out.
            ConfigError: the localizer cannot be made, or gave scores that are not finite.
        """
        key = (order.localizer, order.batch_size)
        if key not in self._computers:
            self._computers[key] = self._computer(order)
        return self._computers[key].rows(requests)

    def _computer(self, order: Order) -> ShardComputer:
        if self._handle is None:
            self.load()
        assert self._handle is not None
        localizer = order.localizer.make()
        identity = identity_of(self._handle, localizer)
        if other := sorted(k for k in identity.keys() | order.identity if identity.get(k) != order.identity.get(k)):
            raise ModelError(
                f"{self._handle.name!r} is not the same where its shards are computed: {', '.join(other)} differ. Every"
                " node needs the same model files, packages and code of your own",
                model=self._handle.name,
            )
        return ShardComputer(self._handle.loaded(), localizer, batch_size=order.batch_size)


class Specs:
    """The localizers of a session as they can be made anywhere; they are told apart by name and configuration."""

    def __init__(self, specs: Sequence[LocalizerSpec]) -> None:
        """Takes the specs of all localizers; makes none of them yet."""
        self._specs = tuple(specs)

    def of(self, localizer: Localizer) -> LocalizerSpec:
        """The spec that makes this localizer.

        Raises:
            ConfigError: none does.
        """
        wanted = (localizer.name, localizer.config())
        for spec in self._specs:
            made = spec.make()
            if (made.name, made.config()) == wanted:
                return spec
            if isinstance(made, HasVariant):
                other = made.variant()
                if (other.name, other.config()) == wanted:
                    return LocalizerSpec(
                        name=spec.name, rule=spec.rule, steps=spec.steps, answer=spec.answer, variant=True
                    )
        raise ConfigError(
            f"the localizer {localizer.name!r} cannot be made again in another process; use --engine local",
            setting="engine",
            value=localizer.name,
        )


def make_order(job: Job, specs: Specs, adapter: str | None) -> Order:
    """The job as builtins.

    Raises:
        ConfigError: the localizer is none of the session's, or the model is spread over several devices.
    """
    if job.handle.device_map is not None:
        raise ConfigError(
            "--engine ray gives every process one device, so it cannot be combined with --device-map; use --engine"
            " local",
            setting="engine",
            value=job.handle.device_map,
        )
    return Order(
        model=job.handle.recipe(),
        adapter=adapter,
        localizer=specs.of(job.localizer),
        batch_size=job.batch_size,
        identity=job.identity(),
    )


def resolve_recipe(recipe: dict[str, Any], adapter: str | None) -> ModelHandle:
    """The model of a recipe: the same folder where it can be seen from here, else by its name.

    Raises:
        HarnessError: there is no such model here.
    """
    folder = Path(recipe["folder"])
    handle = resolve_model(
        str(folder) if folder.is_dir() else recipe["source"],
        dtype=recipe["dtype"],
        device=recipe["device"],
        adapter=None if adapter is None else load_adapter(adapter),
        offline=recipe["offline"],
        trust_remote_code=recipe["trust_remote_code"],
    )
    handle.name = recipe["name"]
    return handle
