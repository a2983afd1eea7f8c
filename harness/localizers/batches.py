"""Queries in batches, from path integrals to attribution maps on the host."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from harness.attribution.engine import PathIntegral
from harness.attribution.memory import paths_at_once
from harness.attribution.quadrature import Quadrature
from harness.attribution.reference_points import word_positions
from harness.localizers.answer import counted_tokens
from harness.localizers.localizer import AttributionMap, Unscored
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

NO_WORD = "the query has no word to replace"
"""Why SIG and AMIG give a query no score: all its tokens are special ones."""


TOO_IMPROBABLE = "the answer's probability is below what a floating-point number holds"
"""Why a query gets no score whose answer, mostly one of many tokens, has a probability that rounds to 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Queries that are run together, because of every answer equally many tokens count.

    Attributes:
        indices: where each of them stands among all.
        queries: the queries.
        answer_tokens: how many tokens of every answer count.
        at_once: how many paths to integrate at once.
    """

    indices: list[int]
    queries: list[EncodedQuery]
    answer_tokens: int
    at_once: int


def batches(
    model: LoadedModel, queries: Sequence[EncodedQuery], *, quadrature: Quadrature, answer: str, batch_size: int | None
) -> Iterator[Batch]:
    """Cuts queries into batches, in order among those with equally many answer tokens that count.

    Args:
        model: the model.
        queries: any number.
        quadrature: of every path.
        answer: which answer tokens count: one of `ANSWERS`.
        batch_size: queries, and paths, at once; None for what fits into the memory budget.
    """
    counted = [counted_tokens(query, answer) for query in queries]
    for answer_tokens in sorted(set(counted)):
        alike = [index for index, count in enumerate(counted) if count == answer_tokens]
        longest = max(len(queries[index].prompt_ids) for index in alike)
        size = batch_size or paths_at_once(model, quadrature, longest if model.family.masked else answer_tokens)
        for start in range(0, len(alike), size):
            indices = alike[start : start + size]
            yield Batch(
                indices=indices,
                queries=[queries[index] for index in indices],
                answer_tokens=answer_tokens,
                at_once=size,
            )


def attribution_maps(result: PathIntegral) -> list[AttributionMap | Unscored]:
    """The maps of a batch; none where p(answer) cannot be told from 0, for nor can its gradient."""
    scores: Float[np.ndarray, "queries layers d_ff"] = result.scores.cpu().numpy()
    gaps = [None] * len(scores) if result.completeness_gap is None else result.completeness_gap.tolist()
    probable = (result.answer_probability >= torch.finfo(result.answer_probability.dtype).tiny).tolist()
    return [
        AttributionMap(scores=s, completeness_gap=gap) if held else Unscored(reason=TOO_IMPROBABLE)
        for s, gap, held in zip(scores, gaps, probable, strict=True)
    ]


def attribute_words(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    integrate: Callable[[Batch, list[tuple[int, ...]]], PathIntegral],
    *,
    quadrature: Quadrature,
    answer: str,
    batch_size: int | None,
) -> list[AttributionMap | Unscored]:
    """Calls `integrate` with the queries that have a word, and with the positions of their words: see `batches`.

    Returns:
        One entry a query, in order; those without a word are unscored.

    Raises:
        ModelError: the tokenizer has no end-of-text token.
    """
    words = word_positions(model, queries)
    found: list[AttributionMap | Unscored] = [Unscored(reason=NO_WORD)] * len(queries)
    having = [index for index, places in enumerate(words) if places]
    scorable = [queries[index] for index in having]
    for batch in batches(model, scorable, quadrature=quadrature, answer=answer, batch_size=batch_size):
        places = [having[index] for index in batch.indices]
        result = integrate(batch, [words[place] for place in places])
        for place, scored in zip(places, attribution_maps(result), strict=True):
            found[place] = scored
    return found
