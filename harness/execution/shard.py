"""One shard, localized: the model is asked, its neurons are scored, and rows are made of both."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.activations.answers import AnswerStatistics
from harness.activations.verification import verify_row
from harness.attribution.memory import paths_at_once
from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError
from harness.execution.answering import answers
from harness.execution.fitting import FittingSizes
from harness.execution.plan import Request
from harness.localizers.localizer import AttributionMap, Localizer, Unscored
from harness.localizers.selection import ScoredNeurons, keep_largest
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.store.rows import LocalizationRow


class ShardComputer:
    """One loaded model under one localizer; what fitted into memory once is remembered for the next shard."""

    def __init__(self, model: LoadedModel, localizer: Localizer, *, batch_size: int | None) -> None:
        """Makes sure that the model is as its family's row says.

        Raises:
            ModelError: it is not.
        """
        for answer_tokens in (1, 2) if _counts_all(localizer, model) else (1,):
            verify_row(model, answer_tokens=answer_tokens)
        self._model = model
        self._localizer = localizer
        self._sizes = FittingSizes(batch_size), FittingSizes(None)

    def rows(self, requests: Sequence[Request]) -> list[LocalizationRow]:
        """The rows of a shard, in its order.

        Raises:
            ModelError: a single query does not fit into memory.
            ConfigError: the localizer gave scores that are not finite.
        """
        return list(_localize(requests, self._model, self._localizer, *self._sizes))


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
    statistics = answers(model, queries, of_answers)
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
