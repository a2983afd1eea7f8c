"""Neurons and sets of them.

A *neuron* is a coordinate of the input to the FFN output projection of one layer (GPT-2: after GELU, into `c_proj`;
LLaMA: act(gate) * up, into `down_proj`), for every model family alike.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Self

from harness.errors import ConfigError


class Neuron(NamedTuple):
    """Coordinate `index` of the input to the output projection of FFN `layer`; both count from 0."""

    layer: int
    index: int  # pyright: ignore[reportIncompatibleMethodOverride]


class NeuronSet(AbstractSet[Neuron]):
    """An immutable, sorted set of neurons: no duplicates, no order of discovery.

    Set algebra (`|`, `&`, `-`, `<=`, `==`) comes from `collections.abc.Set` and returns neuron sets.
    """

    __slots__ = ("_neurons", "_sorted")

    def __init__(self, neurons: Iterable[tuple[int, int]] = ()) -> None:
        """Takes (layer, index) pairs in any order, repeated or not.

        Raises:
            ConfigError: a layer or index is negative.
        """
        unique = frozenset(Neuron(int(layer), int(index)) for layer, index in neurons)
        for neuron in unique:
            if neuron.layer < 0 or neuron.index < 0:
                raise ConfigError(f"a neuron counts from 0, got {neuron}", setting="neuron", value=neuron)
        self._neurons = unique
        self._sorted = tuple(sorted(unique))

    @classmethod
    def from_flat(cls, ids: Iterable[int], d_ff: int) -> Self:
        """The set whose stored ids are layer * d_ff + index."""
        return cls(divmod(int(i), d_ff) for i in ids)

    def to_flat(self, d_ff: int) -> list[int]:
        """Sorted ids layer * d_ff + index, as they are stored.

        Raises:
            ConfigError: an index does not fit into d_ff neurons a layer.
        """
        for neuron in self._sorted:
            if neuron.index >= d_ff:
                raise ConfigError(f"{neuron} lies beyond {d_ff} neurons a layer", setting="d_ff", value=d_ff)
        return [neuron.layer * d_ff + neuron.index for neuron in self._sorted]

    def __contains__(self, neuron: object) -> bool:
        return neuron in self._neurons

    def __iter__(self) -> Iterator[Neuron]:
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._sorted)

    def __hash__(self) -> int:
        return hash(self._neurons)

    def __repr__(self) -> str:
        return f"NeuronSet({[tuple(neuron) for neuron in self._sorted]})"


def occurrences(sets: Sequence[NeuronSet]) -> Counter[Neuron]:
    """In how many of the sets each neuron occurs: the sum of indicators in Eq. 1, over neighbor queries."""
    return Counter(neuron for neurons in sets for neuron in neurons)
