"""Localizations: which rows are missing, having an engine compute them, and storing them shard by shard."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from harness.execution.engine import Engine, Job, identity_of
from harness.execution.plan import Plan, Request
from harness.execution.progress import Progress
from harness.localizers import Localizer
from harness.models.handle import ModelHandle
from harness.store.localizations import LocalizationStore


def open_store(root: Path, handle: ModelHandle, localizer: Localizer, *, create: bool = True) -> LocalizationStore:
    """The rows of one model under one localizer, whoever asks for them; not to be written without `create`.

    Raises:
        StoreError: the store cannot be written.
    """
    return LocalizationStore(root, identity_of(handle, localizer), create=create)


def localize_missing(
    plan: Plan, job: Job, store: LocalizationStore, progress: Progress, *, engine: Engine, label: str
) -> None:
    """Has the rows of `plan` computed that the store lacks, and stores them shard by shard.

    The model is loaded only if a row is missing. What is stored when this breaks off is not computed again. Of several
    processes that lack rows of one store, one computes at a time; the others wait, and look again what is missing.

    Args:
        plan: the rows that are needed.
        job: the model and the method.
        store: where rows of this model and method are kept.
        progress: told after every shard.
        engine: where shards are computed.
        label: what `progress` calls this localization.

    Raises:
        ModelError: the model cannot be loaded, is not as its family's row says, or runs out of memory.
        StoreError: a shard cannot be written.
    """
    shards = plan.shards()
    total = sum(map(len, shards))
    if not _missing(shards, store):
        return
    with store.alone("rows", lambda: progress.wait(label)):
        missing = _missing(shards, store)
        if not missing:
            return
        progress.start(label, total, total - sum(map(len, missing)))
        try:
            with closing(engine.compute(missing, job)) as computed:
                for rows in computed:
                    store.write_rows(rows)
                    progress.advance(len(rows))
        finally:
            progress.stop()


def _missing(shards: Sequence[Sequence[Request]], store: LocalizationStore) -> list[list[Request]]:
    """What the store lacks of each shard; no entry for a shard that is complete."""
    present = store.present()
    return [lacking for shard in shards if (lacking := [r for r in shard if r.encoded.key not in present])]
