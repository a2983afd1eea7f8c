"""What a model answers, asked once: every localizer's rows say the same of it."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from harness.activations.answers import AnswerStatistics, answer_statistics
from harness.execution.fitting import FittingSizes
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

_answered: WeakKeyDictionary[LoadedModel, dict[str, AnswerStatistics]] = WeakKeyDictionary()


def answers(model: LoadedModel, queries: Sequence[EncodedQuery], sizes: FittingSizes) -> list[AnswerStatistics]:
    """One entry a query, in order; of queries that this model has not been asked yet, it is asked all together.

    What it answered is forgotten with the model, whose weights are never changed.

    Args:
        model: the model.
        queries: any number.
        sizes: how many of them fit into memory at once.

    Raises:
        ModelError: a single query does not fit into memory.
    """
    known = _answered.setdefault(model, {})
    asked = [query for query in queries if query.key not in known]
    if asked:
        found = sizes.run(model.name, asked, lambda n: _ask(model, asked, n), automatic=len(asked))
        known.update((query.key, answer) for query, answer in zip(asked, found, strict=True))
    return [known[query.key] for query in queries]


def _ask(model: LoadedModel, queries: Sequence[EncodedQuery], size: int | None) -> list[AnswerStatistics]:
    """All queries at once where no size is given."""
    at_once = size or len(queries)
    return [
        found
        for start in range(0, len(queries), at_once)
        for found in answer_statistics(model, queries[start : start + at_once])
    ]
