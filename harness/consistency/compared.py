"""The sets of neurons that one query is put under: its own, its neighbors', and random ones (numpy only)."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Int

from harness.consistency.neighbors import NEIGHBOR_RULES, equal_sized, layer_matched, neighbor_set

OWN: Final = "own"
"""The query's own knowledge neurons, all of them."""

RANDOM: Final = "random"
"""As many neurons in the same layers that are no knowledge neurons of any query of the fact."""


def own_like(rule: str) -> str:
    """Name of the query's own neurons, as many as are taken of the neighbor set of this rule."""
    return f"{OWN}_like_{rule}"


def random_like(rule: str) -> str:
    """Name of random neurons in the layers of what is taken of the neighbor set of this rule."""
    return f"{RANDOM}_like_{rule}"


def whole(rule: str) -> str:
    """Name of the neighbor set with all its neurons, as the paper takes it."""
    return f"whole_{rule}"


COMPARED: Final = (
    OWN,
    RANDOM,
    *(name for rule in NEIGHBOR_RULES for name in (rule, own_like(rule), random_like(rule), whole(rule))),
)
"""Names of all sets. A neighbor set goes by its rule, and is reduced at random to the size of the query's own; where
it is the smaller one, `own_like` is the query's own reduced to its size."""


def compared_neurons(
    sets: Sequence[Int[np.ndarray, " _neurons"]],
    query: int,
    *,
    d_ff: int,
    generator: Callable[[str], np.random.Generator],
) -> dict[str, Int[np.ndarray, " _chosen"]]:
    """The sets of one query that are not empty.

    Own and neighbor set are of equal size, for more neurons do more, whichever they are. To leave out queries whose
    neighbor set is smaller than their own would leave out just the inconsistent ones.

    Args:
        sets: the knowledge neurons of every query of the fact, as flat ids.
        query: which of them is asked about.
        d_ff: neurons a layer.
        generator: random numbers for a purpose, of this query alone.

    Returns:
        Sets by the names in `COMPARED`; none at all for a query without knowledge neurons, and without those of a rule
        whose neighbor set is empty. Random neurons are missing where a layer has not so many others.
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
        found[own_like(rule)], some = equal_sized(own, neighbors, rng=generator(rule))
        found[rule] = some
        found[random_like(rule)] = layer_matched(some, of_fact, d_ff=d_ff, rng=generator(random_like(rule)))
    return {name: neurons for name, neurons in found.items() if neurons is not None}
