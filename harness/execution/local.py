"""Localization in this process."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.activations.answers import AnswerStatistics, answer_statistics
from harness.activations.verification import verify_row
from harness.errors import ConfigError, ModelError
from harness.execution.plan import Plan, Request
from harness.execution.progress import Progress
from harness.localizers.localizer import AttributionMap, Localizer, Unscored
from harness.localizers.selection import ScoredNeurons, keep_largest
from harness.models.handle import ModelHandle
from harness.models.loaded import LoadedModel
from harness.store.localizations import LocalizationStore
from harness.store.rows import LocalizationRow


def open_store(root: Path, handle: ModelHandle, localizer: Localizer, *, create: bool = True) -> LocalizationStore:
    """The rows of one model under one localizer, whoever asks for them; not to be written without `create`.

    Raises:
        StoreError: the store cannot be written.
    """
    identity = {**handle.identity(), "localizer": localizer.name, "config": localizer.config()}
    return LocalizationStore(root, identity, create=create)


def localize_missing(
    plan: Plan,
    handle: ModelHandle,
    localizer: Localizer,
    store: LocalizationStore,
    progress: Progress,
    *,
    batch_size: int | None,
    label: str,
) -> None:
    """Computes and stores the rows of `plan` that the store lacks, shard by shard.

    The model is loaded only if a row is missing. What is stored when this breaks off is not computed again. Of several
    processes that lack rows of one store, one computes at a time; the others wait, and look again what is missing.

    Args:
        plan: the rows that are needed.
        handle: the model.
        localizer: the method.
        store: where rows of this model and method are kept.
        progress: told after every shard.
        batch_size: queries at once; None for the localizer's judgement.
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
            model = handle.loaded()
            for answer_tokens in (1, 2) if _counts_all(localizer, model) else (1,):
                verify_row(model, answer_tokens=answer_tokens)
            for requests in missing:
                store.write_rows(list(_localize(requests, model, localizer, batch_size)))
                progress.advance(len(requests))
        finally:
            progress.stop()


def _missing(shards: Sequence[Sequence[Request]], store: LocalizationStore) -> list[list[Request]]:
    """What the store lacks of each shard; no entry for a shard that is complete."""
    present = store.present()
    return [lacking for shard in shards if (lacking := [r for r in shard if r.encoded.key not in present])]


def _counts_all(localizer: Localizer, model: LoadedModel) -> bool:
    """Whether rows may stand for several answer tokens."""
    return getattr(localizer, "answer", "first") == "joint" and not model.family.masked


def _localize(
    requests: Sequence[Request], model: LoadedModel, localizer: Localizer, batch_size: int | None
) -> Iterator[LocalizationRow]:
    queries = [request.encoded for request in requests]
    try:
        statistics = answer_statistics(model, queries)
        maps = localizer.attribute(model, queries, batch_size=batch_size)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "memory" in str(error):
            raise ModelError(
                f"{model.name!r} ran out of memory localizing; what is stored stays. Try a smaller --batch-size",
                model=model.name,
            ) from error
        raise
    for request, answer, found in zip(requests, statistics, maps, strict=True):
        yield _row(request, answer, found)


def _row(request: Request, answer: AnswerStatistics, found: AttributionMap | Unscored) -> LocalizationRow:
    query, encoded = request.query, request.encoded
    kept, gap, reason = _kept(found)
    return LocalizationRow(
        row_key=encoded.key,
        fact_uid=query.fact.uid,
        relation=query.fact.relation,
        pattern_id=query.pattern_id,
        subject=query.fact.subject,
        object=query.fact.object,
        query_index=query.index,
        prompt=query.prompt,
        answer=query.fact.object,
        answer_probability=answer.answer_probability,
        joint_probability=answer.joint_probability,
        top_token_is_answer=answer.top_token_is_answer,
        n_answer_tokens=len(encoded.answer_ids),
        unscored=reason,
        max_score=kept.max_score if kept else None,
        completeness_gap=gap,
        neurons=tuple(kept.neurons.tolist()) if kept else (),
        scores=tuple(kept.scores.tolist()) if kept else (),
    )


def _kept(found: AttributionMap | Unscored) -> tuple[ScoredNeurons | None, float | None, str | None]:
    """What is stored of a map, its completeness gap, and why there is no map."""
    if isinstance(found, Unscored):
        return None, None, found.reason
    if not np.isfinite(found.scores).all():
        raise ConfigError(
            "the localizer gave scores that are not finite, and nothing of this shard was stored. Try it with"
            " `pytest kntests -m controls --localizer ...`",
            setting="localizer",
            value=found.scores,
        )
    return keep_largest(found.scores), found.completeness_gap, None
