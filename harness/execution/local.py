"""Localization in this process."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.activations.answers import AnswerStatistics, answer_statistics
from harness.activations.verification import verify_row
from harness.attribution.memory import paths_at_once
from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError
from harness.execution.fitting import FittingSizes
from harness.execution.plan import Plan, Request
from harness.execution.progress import Progress
from harness.localizers.localizer import AttributionMap, Localizer, Unscored
from harness.localizers.selection import ScoredNeurons, keep_largest
from harness.models.handle import ModelHandle
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
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
        batch_size: queries at once; None for the localizer's judgement. Where memory runs out it is halved.
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
            sizes = FittingSizes(batch_size), FittingSizes(None)
            for requests in missing:
                store.write_rows(list(_localize(requests, model, localizer, *sizes)))
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
    requests: Sequence[Request],
    model: LoadedModel,
    localizer: Localizer,
    of_paths: FittingSizes,
    of_answers: FittingSizes,
) -> Iterator[LocalizationRow]:
    """The rows; batches of either kind are halved where memory runs out."""
    queries, name = [request.encoded for request in requests], model.name
    statistics = of_answers.run(name, queries, lambda n: _statistics(model, queries, n), automatic=len(queries))
    maps = of_paths.run(
        name,
        queries,
        lambda n: localizer.attribute(model, queries, batch_size=n),
        automatic=_automatic_size(model, localizer, queries),
    )
    for request, answer, found in zip(requests, statistics, maps, strict=True):
        yield _row(request, answer, found)


def _automatic_size(model: LoadedModel, localizer: Localizer, queries: Sequence[EncodedQuery]) -> int:
    """The batch that a localizer of ours takes by itself; all queries for one that says nothing of its paths."""
    quadrature = getattr(localizer, "quadrature", None)
    if not isinstance(quadrature, Quadrature):
        return len(queries)
    return paths_at_once(model, quadrature, max(len(q.prompt_ids) for q in queries) if model.family.masked else 1)


def _statistics(model: LoadedModel, queries: Sequence[EncodedQuery], size: int | None) -> list[AnswerStatistics]:
    """What the model answers; all queries at once where no size is given."""
    at_once = size or len(queries)
    return [
        found
        for start in range(0, len(queries), at_once)
        for found in answer_statistics(model, queries[start : start + at_once])
    ]


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
