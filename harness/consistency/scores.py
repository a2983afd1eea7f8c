"""The consistency scores of Eq. 1.

CS1 = |neurons in every N_i| / |union of N_i| and CS2 = |neurons in more than one N_i| / |union of N_i|, over the
knowledge neurons N_i of k neighbor queries. An empty union has no score: it is undefined, neither 0 nor 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from harness.consistency.sets import Groups, QuerySets, gather
from harness.errors import ConfigError
from harness.neurons import NeuronSet, occurrences

ENTRIES_AT_ONCE: Final = 500_000
"""Neurons sorted at once: few enough for the cache, which makes it three times as fast as 20 million at once."""


@dataclass(frozen=True, slots=True, eq=False)
class ConsistencyScores:
    """CS1 and CS2 of many groups of queries.

    Attributes:
        cs1: share of the union that is in every set of the group; nan where undefined.
        cs2: share of the union that is in more than one set of the group; nan where undefined.
        union_size: distinct neurons of the group.
        n_queries: members of the group, empty sets counted: k in Eq. 1.
        defined: whether the union holds a neuron.
    """

    cs1: Float[np.ndarray, " groups"]
    cs2: Float[np.ndarray, " groups"]
    union_size: Int[np.ndarray, " groups"]
    n_queries: Int[np.ndarray, " groups"]
    defined: Bool[np.ndarray, " groups"]


def cs1_cs2(sets: Sequence[NeuronSet]) -> tuple[float, float] | None:
    """CS1 and CS2 of one group of neuron sets: Eq. 1 as it is written.

    Args:
        sets: the knowledge neurons of each neighbor query.

    Returns:
        CS1 and CS2, or None if all sets are empty.
    """
    counts = occurrences(sets)
    if not counts:
        return None
    in_all = sum(count == len(sets) for count in counts.values())
    in_more_than_one = sum(count > 1 for count in counts.values())
    return in_all / len(counts), in_more_than_one / len(counts)


def consistency_scores(sets: QuerySets, groups: Groups) -> ConsistencyScores:
    """CS1 and CS2 (Eq. 1) of every group, without a loop over groups.

    Args:
        sets: knowledge neurons of all queries.
        groups: which queries are scored together.

    Returns:
        one score a group; nan with `defined` False where the union is empty.

    Raises:
        ConfigError: a group names a query that does not exist.
    """
    if len(groups.queries) and groups.queries.max() >= len(sets):
        raise ConfigError(
            f"a group names query {groups.queries.max()}, there are {len(sets)}", setting="groups", value=groups
        )
    union, shared, common = (np.zeros(len(groups), dtype=np.int64) for _ in range(3))
    for first, last in _chunks(sets, groups):
        union[first:last], shared[first:last], common[first:last] = _count(sets, groups, first, last)
    defined = union > 0
    size = np.where(defined, union, 1)
    return ConsistencyScores(
        cs1=np.where(defined, common / size, np.nan),
        cs2=np.where(defined, shared / size, np.nan),
        union_size=union,
        n_queries=groups.sizes,
        defined=defined,
    )


def _chunks(sets: QuerySets, groups: Groups) -> Iterator[tuple[int, int]]:
    """Runs of groups that together hold at most `ENTRIES_AT_ONCE` neurons, or one group."""
    before_member = np.concatenate([[0], np.cumsum(sets.sizes[groups.queries])])
    entries = before_member[groups.offsets]
    first = 0
    while first < len(groups):
        last = int(np.searchsorted(entries, entries[first] + ENTRIES_AT_ONCE, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def _count(sets: QuerySets, groups: Groups, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct neurons of each group first..last, those in more than one set, and those in every set."""
    n = last - first
    k = groups.sizes[first:last]
    members = groups.queries[groups.offsets[first] : groups.offsets[last]]
    offsets, neurons = gather(sets.offsets, sets.neurons, members)
    if len(neurons) == 0:
        empty = np.zeros(n, dtype=np.int64)
        return empty, empty, empty
    ends = offsets[groups.offsets[first : last + 1] - groups.offsets[first]]
    keys = np.repeat(np.arange(n) * (int(neurons.max()) + 1), np.diff(ends))
    keys += neurons
    keys.sort()
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    count = np.diff(starts, append=len(keys))
    union = np.diff(np.searchsorted(starts, ends))
    owner = np.repeat(np.arange(n), union)
    shared = np.bincount(owner[count > 1], minlength=n)
    common = np.bincount(owner[count == k[owner]], minlength=n)
    return union, shared, common
