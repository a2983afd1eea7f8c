"""Permutation nulls."""

import numpy as np
from jaxtyping import Float, Int


def exchange_within(strata: Int[np.ndarray, " queries"], *, rng: np.random.Generator) -> Int[np.ndarray, " queries"]:
    """A random exchange of queries that keeps each of them within its stratum.

    Args:
        strata: stratum of each query, for example its relation and pattern.
        rng: draws the exchange; every one is equally likely.

    Returns:
        which query comes into the place of each: strata[result] equals strata.
    """
    exchanged = np.empty(len(strata), dtype=np.int64)
    exchanged[np.argsort(strata, kind="stable")] = np.lexsort((rng.random(len(strata)), strata))
    return exchanged


def p_at_least(observed: float, null: Float[np.ndarray, " permutations"]) -> float:
    """One-sided permutation p: (1 + #{null >= observed}) / (1 + permutations), so never 0.

    Args:
        observed: the statistic of the data.
        null: the same statistic of each permutation.
    """
    return float((1 + np.count_nonzero(null >= observed)) / (1 + len(null)))
