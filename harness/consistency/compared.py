"""The sets of neurons that one query is put under: its own, its neighbors', and random ones (numpy only)."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Int

from harness.consistency.neighbors import NEIGHBOR_RULES, layer_matched, neighbor_set, some_of

OWN: Final = "own"
"""The query's own knowledge neurons, all of them."""

RANDOM: Final = "random"
"""As many neurons in the same layers that are no knowledge neurons of any query of the fact."""


def own_beside(rule: str) -> str:
    """Name of the query's own neurons where the neighbor set of this rule has as many: what it is paired with."""
    return f"{OWN}_beside_{rule}"


def random_beside(rule: str) -> str:
    """Name of random neurons in the layers of what is taken of the neighbor set of this rule."""
    return f"{RANDOM}_beside_{rule}"


def whole(rule: str) -> str:
    """Name of the neighbor set with all its neurons, as the paper takes it."""
    return f"whole_{rule}"


COMPARED: Final = (
    OWN,
    RANDOM,
    *(name for rule in NEIGHBOR_RULES for name in (rule, own_beside(rule), random_beside(rule), whole(rule))),
)
"""Names of all sets. A neighbor set goes by its rule, and is reduced at random to the size of the query's own."""


def compared_neurons(
    sets: Sequence[Int[np.ndarray, " _neurons"]],
    query: int,
    *,
    d_ff: int,
    generator: Callable[[str], np.random.Generator],
) -> dict[str, Int[np.ndarray, " _chosen"]]:
    """The sets of one query that are not empty.

    A neighbor set that is smaller than the query's own is not compared with it. To reduce the query's own instead would
    be unfair to it: neurons that all neighbors share are the strongest of each, and a random part of its own is not.

    Args:
        sets: the knowledge neurons of every query of the fact, as flat ids.
        query: which of them is asked about.
        d_ff: neurons a layer.
        generator: random numbers for a purpose, of this query alone.

    Returns:
        Sets by the names in `COMPARED`; none for a query without knowledge neurons. A neighbor set that is empty is
        missing, one that is too small has its whole alone; random neurons are missing where a layer has too few others.
    """
    own = sets[query]
    if len(own) == 0:
        return {}
    of_fact = np.unique(np.concatenate(list(sets)))
    found: dict[str, np.ndarray | None] = {
        OWN: own,
        RANDOM: layer_matched(own, of_fact, d_ff=d_ff, rng=generator(RANDOM)),
    }
    for rule in NEIGHBOR_RULES:
        neighbors = neighbor_set(sets, query, rule)
        if len(neighbors) == 0:
            continue
        found[whole(rule)] = neighbors
        found[rule] = some_of(neighbors, len(own), rng=generator(rule))
        if (some := found[rule]) is not None:
            found[own_beside(rule)] = own
            found[random_beside(rule)] = layer_matched(some, of_fact, d_ff=d_ff, rng=generator(random_beside(rule)))
    return {name: neurons for name, neurons in found.items() if neurons is not None}
