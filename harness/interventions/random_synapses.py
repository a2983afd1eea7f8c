"""Random synapses as many as a set has: the control that tells attention's pattern from its amount (numpy only)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from harness.errors import ConfigError, near_matches
from harness.synapses import SynapseSet

_MATCHES = ("head", "triangle")


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSynapses:
    """Draws synapses outside a set, as many as it has.

    `head`: every head of every layer gets as many columns as the set has there, each column alike. Layers and heads are
    then as in the set, and only where the heads look differs.

    `triangle`: synapses are drawn one by one from all heads, column c with a probability in proportion to the T - c
    weights that it has under the causal mask, as if a weight were drawn and its column taken. That leans to early
    columns, as sets of much attended columns do; under `head` the draw touches fewer weights than such a set.

    Synapses of the set itself are drawn only where there are not enough others; the overlap is to be reported.

    Attributes:
        match: `head` or `triangle`.
        exclude_first: whether the first position is left out; to be set as it was for the set.

    Raises:
        ConfigError: nothing has that name.
    """

    match: str = "head"
    exclude_first: bool = False

    def __post_init__(self) -> None:
        """Checks the name."""
        if self.match not in _MATCHES:
            raise ConfigError(
                f"no match {self.match!r} of synapses. {near_matches(self.match, _MATCHES)}",
                setting="match",
                value=self.match,
            )

    def draw(self, like: SynapseSet, shape: tuple[int, int, int], rng: np.random.Generator) -> SynapseSet:
        """As many synapses as `like` has.

        Args:
            like: the set to be matched.
            shape: layers, query heads and tokens of the query.
            rng: source of the draws.

        Raises:
            ConfigError: a synapse of `like` lies outside `shape`, or on a first position that is left out.
        """
        taken = self._taken(like, shape)
        first = int(self.exclude_first)
        tokens = shape[2]
        weight = np.ones(tokens) if self.match == "head" else np.arange(tokens, 0, -1, dtype=np.float64)
        order = _order(np.broadcast_to(weight, shape), taken, rng)[:, :, first:]
        if self.match == "triangle":
            chosen = np.argsort(order, axis=None)[: len(like)]
            found = zip(*np.unravel_index(chosen, order.shape), strict=True)
        else:
            ranks = order.argsort(axis=2).argsort(axis=2)
            found = np.argwhere(ranks < taken.sum(axis=2, keepdims=True))
        return SynapseSet((int(column) + first, int(layer), int(head)) for layer, head, column in found)

    def _taken(self, like: SynapseSet, shape: tuple[int, int, int]) -> Bool[np.ndarray, "layers query_heads tokens"]:
        """Where the synapses of `like` are."""
        layers, heads, tokens = shape
        column, layer, head = like.indices().T
        if (column >= tokens).any() or (layer >= layers).any() or (head >= heads).any():
            raise ConfigError(
                f"a synapse of the set to be matched lies outside {layers} layers, {heads} query heads and {tokens}"
                " tokens; SynapseSet.within drops columns beyond a query",
                setting="like",
                value=like,
            )
        if self.exclude_first and (column == 0).any():
            raise ConfigError(
                "the set to be matched has the first position, which the draw leaves out", setting="like", value=like
            )
        taken = np.zeros(shape, dtype=bool)
        taken[layer, head, column] = True
        return taken


def _order(
    weight: Float[np.ndarray, "layers query_heads tokens"],
    last: Bool[np.ndarray, "layers query_heads tokens"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "layers query_heads tokens"]:
    """Keys whose rising order is a draw without replacement with probabilities in proportion to `weight`.

    Waiting times of rate `weight`: the first to ring is drawn first, and so on among the rest. `last` come after all.
    """
    return rng.exponential(size=weight.shape) / weight + np.where(last, 1e9, 0.0)
