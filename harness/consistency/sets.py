"""Knowledge neurons of many queries, and which of the queries are scored together.

Both are ragged arrays in one layout: `offsets[i]:offsets[i + 1]` is the slice of the flat array that belongs to item i.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Int, Shaped

from harness.errors import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class QuerySets:
    """The knowledge neurons of many queries.

    Attributes:
        offsets: where the neurons of each query start; one more entry than queries.
        neurons: flat ids layer * d_ff + index, within one query sorted and unique; may be empty for a query.
    """

    offsets: Int[np.ndarray, " queries_plus_1"]
    neurons: Int[np.ndarray, " entries"]

    def __post_init__(self) -> None:
        """Raises ConfigError if the arrays are no ragged array of sorted, unique, non-negative ids."""
        _check_offsets(self.offsets, len(self.neurons), "neurons")
        if len(self.neurons) == 0:
            return
        rises = np.diff(self.neurons) > 0
        starts = self.offsets[1:-1]
        rises[starts[(starts > 0) & (starts < len(self.neurons))] - 1] = True
        if not rises.all() or self.neurons.min() < 0:
            raise ConfigError(
                "neurons of a query must be sorted, unique and count from 0; QuerySets.from_lists sorts them",
                setting="neurons",
                value=self.neurons,
            )

    @classmethod
    def from_lists(cls, sets: Iterable[Iterable[int]]) -> Self:
        """Takes one list of flat ids a query, in any order, repeated or not."""
        offsets, neurons = _ragged([sorted(set(ids)) for ids in sets])
        return cls(offsets, neurons)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Int[np.ndarray, " queries"]:
        """How many knowledge neurons each query has."""
        return np.diff(self.offsets)

    def take(self, indices: Int[np.ndarray, " taken"]) -> Self:
        """The sets of the queries at `indices`, in that order; an index may occur more than once."""
        return type(self)(*gather(self.offsets, self.neurons, indices))

    def where(self, kept: Bool[np.ndarray, " entries"]) -> Self:
        """The same queries with only those of their neurons that are kept."""
        places = np.flatnonzero(kept)
        return type(self)(np.searchsorted(places, self.offsets), self.neurons[places])

    def ids(self, query: int) -> list[int]:
        """The knowledge neurons of one query."""
        return self.neurons[self.offsets[query] : self.offsets[query + 1]].tolist()


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Which queries are scored together.

    Attributes:
        offsets: where the members of each group start; one more entry than groups.
        queries: indices of queries; a query that occurs twice in a group counts as two members.
    """

    offsets: Int[np.ndarray, " groups_plus_1"]
    queries: Int[np.ndarray, " members"]

    def __post_init__(self) -> None:
        """Raises ConfigError if the arrays are no ragged array of query indices."""
        _check_offsets(self.offsets, len(self.queries), "queries")
        if len(self.queries) and self.queries.min() < 0:
            raise ConfigError("query indices count from 0", setting="queries", value=self.queries)

    @classmethod
    def from_lists(cls, groups: Iterable[Iterable[int]]) -> Self:
        """Takes one list of query indices a group."""
        offsets, queries = _ragged([list(group) for group in groups])
        return cls(offsets, queries)

    @classmethod
    def by_label(cls, labels: Int[np.ndarray, " queries"]) -> Self:
        """All queries labelled g form group g: with `fact_of_query`, all neighbor queries of each fact.

        Groups run from 0 to the largest label; a label that does not occur gives an empty group.
        """
        if len(labels) and labels.min() < 0:
            raise ConfigError("labels count from 0", setting="labels", value=labels)
        sizes = np.bincount(labels)
        return cls(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), np.argsort(labels, kind="stable"))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Int[np.ndarray, " groups"]:
        """How many queries each group has: k in Eq. 1."""
        return np.diff(self.offsets)


def gather(
    offsets: Int[np.ndarray, " items_plus_1"],
    flat: Shaped[np.ndarray, " entries"],
    indices: Int[np.ndarray, " taken"],
) -> tuple[Int[np.ndarray, " taken_plus_1"], Shaped[np.ndarray, " taken_entries"]]:
    """Takes items of a ragged array by index.

    Returns:
        offsets and flat array of the taken items.
    """
    sizes = np.diff(offsets)[indices]
    taken = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    source = np.repeat(offsets[indices] - taken[:-1], sizes)
    source += np.arange(taken[-1])
    return taken, flat[source]


def _ragged(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    return offsets, np.fromiter((i for ids in lists for i in ids), dtype=np.int64, count=int(offsets[-1]))


def _check_offsets(offsets: np.ndarray, entries: int, what: str) -> None:
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != entries or (np.diff(offsets) < 0).any():
        raise ConfigError(
            f"offsets must rise from 0 to the number of {what} ({entries})", setting="offsets", value=offsets
        )
