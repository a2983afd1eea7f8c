"""How alike two localizations of the same queries are."""

from dataclasses import dataclass

import numpy as np

from harness.consistency.scores import consistency_scores
from harness.consistency.sets import Groups, QuerySets
from harness.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Knowledge neurons of the same queries, found in two ways.

    Attributes:
        n_queries: queries compared.
        jaccard: mean of |A & B| / |A | B| over queries where either way finds a neuron; None if there is none.
        identical: share of queries whose sets are equal, two empty ones among them; None without queries.
        undefined: queries for which neither way finds a neuron.
    """

    n_queries: int
    jaccard: float | None
    identical: float | None
    undefined: int


def overlap(one: QuerySets, other: QuerySets) -> Overlap:
    """Compares two localizations, query by query.

    Args:
        one: knowledge neurons of each query.
        other: the same queries in the same order.

    Raises:
        ConfigError: they are not as many.
    """
    n = len(one)
    if n != len(other):
        raise ConfigError(
            f"sets are compared query by query, so there must be as many: {n} and {len(other)}",
            setting="other",
            value=len(other),
        )
    # Of two sets, the share of the union that is in more than one of them (CS2) is the Jaccard index.
    pairs = Groups.from_lists([index, n + index] for index in range(n))
    scores = consistency_scores(_both(one, other), pairs)
    jaccard = scores.cs2[scores.defined]
    equal = np.count_nonzero(jaccard == 1.0) + np.count_nonzero(~scores.defined)
    return Overlap(
        n_queries=n,
        jaccard=float(jaccard.mean()) if len(jaccard) else None,
        identical=float(equal / n) if n else None,
        undefined=int(np.count_nonzero(~scores.defined)),
    )


def _both(one: QuerySets, other: QuerySets) -> QuerySets:
    """All queries of the first, then all of the second."""
    offsets = np.concatenate([one.offsets, one.offsets[-1] + other.offsets[1:]])
    return QuerySets(offsets, np.concatenate([one.neurons, other.neurons]))
