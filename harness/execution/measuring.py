"""Measurements in this process: which rows are missing, and computing them shard by shard."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from harness.errors import StoreError
from harness.execution.progress import Progress
from harness.store.measurements import MeasurementStore


@runtime_checkable
class Item(Protocol):
    """What gets one row."""

    @property
    def key(self) -> str:
        """The row's key: what its numbers depend on, as `harness.store.measurements.content_key` hashes it."""
        ...


ItemT = TypeVar("ItemT", bound=Item)


def measure_missing(
    items: Sequence[ItemT],
    compute: Callable[[Sequence[ItemT]], Iterable[Mapping[str, Any]]],
    store: MeasurementStore,
    progress: Progress,
    *,
    label: str,
    shard_items: int,
) -> list[dict[str, Any]]:
    """Computes and stores what the store lacks, and reads the rows of all items.

    Nothing is computed twice: of several processes that lack rows of one store, one computes at a time, and what was
    stored when this breaks off is there the next time.

    Args:
        items: what is wanted.
        compute: gives one row an item, in their order; called with at most `shard_items` of them. Loads the model if
            it must, so that a complete store needs none.
        store: where the rows are kept.
        progress: told after every shard.
        label: what `progress` calls this measurement.
        shard_items: items of a shard: what a crash may cost.

    Returns:
        the rows in the items' order.

    Raises:
        HarnessError: the model cannot be run, or the store cannot be written.
    """
    _measure(items, compute, store, progress, label, shard_items)
    try:
        return stored(items, store)
    except StoreError:  # a damaged shard, which is set aside now
        _measure(items, compute, store, progress, label, shard_items)
        return stored(items, store)


def _measure(
    items: Sequence[ItemT],
    compute: Callable[[Sequence[ItemT]], Iterable[Mapping[str, Any]]],
    store: MeasurementStore,
    progress: Progress,
    label: str,
    shard_items: int,
) -> None:
    if not _missing(items, store):
        return
    with store.alone("rows", lambda: progress.wait(label)):
        missing = _missing(items, store)
        progress.start(label, len(items), len(items) - len(missing))
        try:
            for first in range(0, len(missing), shard_items):
                shard = missing[first : first + shard_items]
                store.write([{**row, "row_key": item.key} for item, row in zip(shard, compute(shard), strict=True)])
                progress.advance(len(shard))
        finally:
            progress.stop()


def stored(items: Sequence[Item], store: MeasurementStore) -> list[dict[str, Any]]:
    """The rows in the items' order, all of which have to be there.

    Raises:
        StoreError: one is missing.
    """
    rows = {row["row_key"]: row for row in store.read({item.key for item in items}).to_pylist()}
    try:
        return [rows[item.key] for item in items]
    except KeyError as error:
        raise StoreError(f"the row {error} is missing", path=store.folder) from None


def _missing(items: Sequence[ItemT], store: MeasurementStore) -> list[ItemT]:
    """What the store lacks, each once, in the items' order."""
    present = store.present()
    return [item for item in {item.key: item for item in items}.values() if item.key not in present]
