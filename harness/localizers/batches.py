"""Queries in batches, from path integrals to attribution maps on the host."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from harness.attribution.engine import PathIntegral
from harness.attribution.reference_points import word_positions
from harness.localizers.localizer import AttributionMap, Unscored
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

NO_WORD = "the query has no word to replace"
"""Why SIG and AMIG give a query no score: all its tokens are special ones."""


def attribution_maps(result: PathIntegral) -> list[AttributionMap]:
    """The maps of a batch."""
    scores: Float[np.ndarray, "queries layers d_ff"] = result.scores.cpu().numpy()
    gaps = [None] * len(scores) if result.completeness_gap is None else result.completeness_gap.tolist()
    return [AttributionMap(scores=s, completeness_gap=g) for s, g in zip(scores, gaps, strict=True)]


def attribute_words(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    size: int,
    integrate: Callable[[list[EncodedQuery], list[tuple[int, ...]]], PathIntegral],
) -> list[AttributionMap | Unscored]:
    """Calls `integrate` with the queries that have a word, and with the positions of their words, `size` at a time.

    Returns:
        One entry a query, in order; those without a word are unscored.

    Raises:
        ModelError: the tokenizer has no end-of-text token.
    """
    words = word_positions(model, queries)
    found: list[AttributionMap | Unscored] = [Unscored(reason=NO_WORD)] * len(queries)
    having = [index for index, places in enumerate(words) if places]
    for start in range(0, len(having), size):
        part = having[start : start + size]
        result = integrate([queries[index] for index in part], [words[index] for index in part])
        for index, scored in zip(part, attribution_maps(result), strict=True):
            found[index] = scored
    return found
