"""Synapses and sets of them.

A *synapse* is one column of one attention head's map: what every row of the query gives to one position. Heads are
query heads: where several of them share keys and values, each still has attention weights of its own.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from harness.errors import ConfigError


class Synapse(NamedTuple):
    """Column `column` of query head `head` of layer `layer`, in the paper's order (c, l, h); all count from 0."""

    column: int
    layer: int
    head: int


class SynapseSet(AbstractSet[Synapse]):
    """An immutable, sorted set of synapses.

    Set algebra (`|`, `&`, `-`, `<=`, `==`) comes from `collections.abc.Set` and returns synapse sets.
    """

    __slots__ = ("_sorted", "_synapses")

    def __init__(self, synapses: Iterable[tuple[int, int, int]] = ()) -> None:
        """Takes (column, layer, head) in any order, repeated or not.

        Raises:
            ConfigError: a column, layer or head is negative.
        """
        unique = frozenset(Synapse(int(column), int(layer), int(head)) for column, layer, head in synapses)
        for synapse in unique:
            if min(synapse) < 0:
                raise ConfigError(f"a synapse counts from 0, got {synapse}", setting="synapse", value=synapse)
        self._synapses = unique
        self._sorted = tuple(sorted(unique))

    def within(self, tokens: int) -> "SynapseSet":
        """Those that a query of so many tokens has: a set found on a longer query loses its columns beyond."""
        return SynapseSet(synapse for synapse in self._sorted if synapse.column < tokens)

    @property
    def n_columns(self) -> int:
        """Tokens that a query needs to have them all."""
        return self._sorted[-1].column + 1 if self._sorted else 0

    def jaccard(self, other: "SynapseSet") -> float | None:
        """|both| / |either|; None if both sets are empty."""
        either = len(self | other)
        return len(self & other) / either if either else None

    @property
    def first_position_share(self) -> float | None:
        """Share of the synapses that lie on the query's first position, where attention sinks; None if empty."""
        return sum(synapse.column == 0 for synapse in self._sorted) / len(self) if self._sorted else None

    def indices(self) -> Int[np.ndarray, "entries 3"]:
        """Sorted (column, layer, head), one row a synapse."""
        return np.array(self._sorted, dtype=np.int64).reshape(-1, 3)

    def __contains__(self, synapse: object) -> bool:
        return synapse in self._synapses

    def __iter__(self) -> Iterator[Synapse]:
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._sorted)

    def __hash__(self) -> int:
        return hash(self._synapses)

    def __repr__(self) -> str:
        return f"SynapseSet({[tuple(synapse) for synapse in self._sorted]})"
