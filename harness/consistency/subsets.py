"""Which queries of a fact are scored together, so that facts with different numbers of queries are comparable.

CS2 depends on the number of queries k by construction (with more sets, a neuron is in more than one of them more often,
and the union grows), so facts are compared on subsets of one size.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from jaxtyping import Int

from harness.consistency.sets import Groups
from harness.errors import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class SubsetPlan:
    """Subsets of the queries of facts.

    Attributes:
        groups: the queries of each subset, ascending.
        fact: which fact each subset belongs to, ascending.
    """

    groups: Groups
    fact: Int[np.ndarray, " groups"]


def query_subsets(
    fact_of_query: Int[np.ndarray, " queries"],
    size: int = 4,
    limit: int = 16,
    *,
    rng: np.random.Generator,
) -> SubsetPlan:
    """Subsets of `size` queries of every fact that has that many.

    Args:
        fact_of_query: the fact of each query, from 0.
        size: queries a subset.
        limit: at most so many subsets a fact: all of them if there are no more, else so many distinct random ones.
        rng: draws the subsets of facts that have more than `limit`.

    Returns:
        the subsets, ordered by fact; none for a fact with fewer than `size` queries.

    Raises:
        ConfigError: size or limit is below 1.
    """
    if size < 1 or limit < 1:
        raise ConfigError(f"subsets need size >= 1 and limit >= 1, got {size} and {limit}", setting="size", value=size)
    by_fact = Groups.by_label(fact_of_query)
    k_of_fact = by_fact.sizes
    queries = [np.empty((0, size), dtype=np.int64)]
    facts = [np.empty(0, dtype=np.int64)]
    for k in np.unique(k_of_fact[k_of_fact >= size]).tolist():
        of_this_k = np.flatnonzero(k_of_fact == k)
        members = _subset_members(_distinct_ranks(len(of_this_k), comb(k, size), limit, rng), k, size)
        queries.append(by_fact.queries[by_fact.offsets[of_this_k][:, None, None] + members].reshape(-1, size))
        facts.append(np.repeat(of_this_k, members.shape[1]))
    fact = np.concatenate(facts)
    order = np.argsort(fact, kind="stable")
    flat = np.concatenate(queries)[order].ravel()
    return SubsetPlan(Groups(np.arange(len(fact) + 1, dtype=np.int64) * size, flat), fact[order])


def _distinct_ranks(rows: int, total: int, limit: int, rng: np.random.Generator) -> Int[np.ndarray, "facts subsets"]:
    """In each row min(total, limit) distinct numbers below `total`, every choice equally likely.

    Floyd's sampling, all rows at once: step j takes a random number up to j, or j itself if the row already has that.
    """
    if total <= limit:
        return np.tile(np.arange(total), (rows, 1))
    chosen = np.empty((rows, limit), dtype=np.int64)
    for step, j in enumerate(range(total - limit, total)):
        draw = rng.integers(0, j + 1, size=rows)
        taken = (chosen[:, :step] == draw[:, None]).any(axis=1)
        chosen[:, step] = np.where(taken, j, draw)
    return chosen


def _subset_members(
    ranks: Int[np.ndarray, "facts subsets"], k: int, size: int
) -> Int[np.ndarray, "facts subsets size"]:
    """The subset of `size` out of k positions that has each rank: every r below C(k, size) is one sum of C(c_i, i)."""
    members = np.empty((*ranks.shape, size), dtype=np.int64)
    rest = ranks
    for i in range(size, 0, -1):
        below = np.array([comb(c, i) for c in range(k)])
        position = np.searchsorted(below, rest, side="right") - 1
        members[..., i - 1] = position
        rest = rest - below[position]
    return members
