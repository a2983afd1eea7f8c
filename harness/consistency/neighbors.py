"""Neurons of a query's neighbors, and what they are fairly compared with: sets of equal size, sets in equal layers.

Flat ids layer * d_ff + index throughout, sorted and unique.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Int

from harness.errors import ConfigError, near_matches

NEIGHBOR_RULES: Final = ("union", "intersection", "refine")
"""How the neurons of neighbor queries become one set, as Eq. 3 names it."""


def neighbor_set(sets: Sequence[Int[np.ndarray, " _neurons"]], query: int, rule: str) -> Int[np.ndarray, " neurons"]:
    """The neighbor set of one of a fact's queries: its own neurons do not count, only those of the others.

    With c_n the number of sets j != i that hold neuron n, of k queries: union c_n >= 1; intersection c_n = k - 1;
    refine c_n >= 2. With k = 3 the last two are the same, with k = 2 a refined set is empty by construction.

    Args:
        sets: the knowledge neurons of every query of the fact.
        query: which of them is asked about: i.
        rule: one of `NEIGHBOR_RULES`.

    Returns:
        Sorted; may be empty, and may share neurons with the query's own set.

    Raises:
        ConfigError: no rule has that name, or there is no such query or no other.

    References:
        Eq. 3 of the paper.
    """
    if rule not in NEIGHBOR_RULES:
        raise ConfigError(f"no neighbor set {rule!r}. {near_matches(rule, NEIGHBOR_RULES)}", setting="rule", value=rule)
    if not 0 <= query < len(sets) or len(sets) < 2:
        raise ConfigError(
            f"query {query} of {len(sets)} has no neighbors; a fact needs two queries", setting="query", value=query
        )
    others = [own for j, own in enumerate(sets) if j != query]
    neurons, count = np.unique(np.concatenate(others), return_counts=True)
    least = {"union": 1, "intersection": len(others), "refine": 2}[rule]
    return neurons[count >= least]


def some_of(
    neurons: Int[np.ndarray, " _neurons"], size: int, *, rng: np.random.Generator
) -> Int[np.ndarray, " size"] | None:
    """As many of a set's neurons, drawn at random: more neurons do more, whichever they are.

    Args:
        neurons: the set.
        size: how many.
        rng: source of the draw.

    Returns:
        Sorted; None if the set has not so many.
    """
    if len(neurons) < size:
        return None
    return neurons if len(neurons) == size else np.sort(rng.choice(neurons, size=size, replace=False))


def layer_matched(
    like: Int[np.ndarray, " _neurons"],
    outside: Int[np.ndarray, " _taken"],
    *,
    d_ff: int,
    rng: np.random.Generator,
) -> Int[np.ndarray, " neurons"] | None:
    """Random neurons, as many as `like` has in each layer, none of them in `outside`.

    Args:
        like: the set to be matched.
        outside: neurons that are not drawn.
        d_ff: neurons a layer.
        rng: source of the draw.

    Returns:
        Sorted; None if a layer has not so many others.
    """
    drawn: list[np.ndarray] = []
    for layer, count in zip(*np.unique(like // d_ff, return_counts=True), strict=True):
        free = np.setdiff1d(np.arange(layer * d_ff, (layer + 1) * d_ff), outside, assume_unique=True)
        if len(free) < count:
            return None
        drawn.append(rng.choice(free, size=count, replace=False))
    return np.sort(np.concatenate([*drawn, np.empty(0, dtype=np.int64)]).astype(np.int64))
