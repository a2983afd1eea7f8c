"""Paths from the reference points of a query's words, one a word, summed over the words."""

from collections.abc import Sequence

import torch

from harness.activations.unmodified import run_unmodified
from harness.attribution.engine import PathIntegral, integrate
from harness.attribution.quadrature import Quadrature
from harness.attribution.reference_points import reference_points
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


def integrate_word_paths(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    words: Sequence[Sequence[int]],
    quadrature: Quadrature,
    *,
    at_once: int,
    answer_tokens: int = 1,
    times_value: bool = False,
) -> PathIntegral:
    """Sums over a query's words the integral along the path from that word's reference point.

    With v the unmodified neurons at the last query token and b_i the reference point of word i,

        score = sum_i (v - b_i) * integral_0^1 (d p(answer) / d neurons)(b_i + a (v - b_i)) da.

    A (query, word) pair is a path like any other: pairs are taken together, whatever query they belong to.

    Args:
        model: the model.
        queries: queries with at least one word each.
        words: positions of their words.
        quadrature: nodes and weights of every path.
        at_once: (query, word) pairs in one batch.
        answer_tokens: how many tokens of every answer count.
        times_value: multiply by v instead of (v - b_i).

    Returns:
        Sums over words; the completeness gap is that of the worst word.
    """
    counts = [len(places) for places in words]
    owner = [query for query, count in zip(queries, counts, strict=True) for _ in range(count)]
    points = torch.cat(reference_points(run_unmodified(model, queries), queries, words), dim=1)
    paths: list[PathIntegral] = []
    for start in range(0, len(owner), at_once):
        part = slice(start, start + at_once)
        state = run_unmodified(model, owner[part], answer_tokens=answer_tokens)
        factor = state.neurons if times_value else None
        paths.append(integrate(state, points[:, part], quadrature, factor=factor))
    scores = torch.cat([path.scores for path in paths]).split(counts)
    probabilities = torch.cat([path.answer_probability for path in paths]).split(counts)
    gaps = [path.completeness_gap for path in paths if path.completeness_gap is not None]
    return PathIntegral(
        scores=torch.stack([of_query.sum(0) for of_query in scores]),
        answer_probability=torch.stack([of_query[0] for of_query in probabilities]),
        completeness_gap=torch.stack([g.amax() for g in torch.cat(gaps).split(counts)]) if gaps else None,
    )
