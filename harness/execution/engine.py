"""Where missing shards are computed: the interface of an engine, and what it is told."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.execution.plan import Request
from harness.localizers import Localizer
from harness.models.handle import ModelHandle
from harness.store.rows import LocalizationRow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What shards are computed with.

    Attributes:
        handle: the model; an engine loads it here, or elsewhere by its recipe.
        localizer: the method.
        batch_size: queries at once; None for the localizer's judgement. Where memory runs out it is halved.
    """

    handle: ModelHandle
    localizer: Localizer
    batch_size: int | None

    def identity(self) -> dict[str, Any]:
        """What changes a row for given token ids, as builtins: the same wherever the job is done."""
        return identity_of(self.handle, self.localizer)


class Engine(Protocol):
    """Computes shards; which are missing, and writing them, is not its business."""

    def compute(self, shards: Sequence[Sequence[Request]], job: Job) -> Generator[list[LocalizationRow]]:
        """Gives the rows of each shard as soon as they are there, shards in any order, rows in that of their shard.

        The same shard has the same rows under every engine on the same hardware, to the last bit. A caller that breaks
        off closes the iterator.

        Raises:
            ModelError: the model cannot be loaded, is not as its family's row says, or runs out of memory.
        """
        ...


def identity_of(handle: ModelHandle, localizer: Localizer) -> dict[str, Any]:
    """What changes a row of this model and method for given token ids, as builtins."""
    return {**handle.identity(), "localizer": localizer.name, "config": localizer.config()}
