"""A null in which every query gives way to one with another label, such as another answer."""

import numpy as np
from jaxtyping import Bool, Int


def has_other(strata: Int[np.ndarray, " queries"], labels: Int[np.ndarray, " queries"]) -> Bool[np.ndarray, " queries"]:
    """Whether the stratum of each query holds a query with another label.

    Args:
        strata: stratum of each query, for example its relation and pattern.
        labels: label of each query, for example its fact's object.
    """
    _, stratum, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    _, block, same = np.unique(_joined(stratum, labels), return_inverse=True, return_counts=True)
    return sizes[stratum] > same[block]


def replace_by_other(
    strata: Int[np.ndarray, " queries"], labels: Int[np.ndarray, " queries"], *, rng: np.random.Generator
) -> Int[np.ndarray, " queries"]:
    """For every query a random one of its stratum with another label, each of them equally likely.

    Drawn with replacement: where one label holds most of a stratum, no exchange could give all of them another.

    Args:
        strata: stratum of each query.
        labels: label of each query; each must have another one in its stratum, see `has_other`.
        rng: draws the replacements.

    Returns:
        which query comes into the place of each.
    """
    _, stratum, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    order = np.lexsort((labels, stratum))
    _, block, same = np.unique(_joined(stratum, labels), return_inverse=True, return_counts=True)
    # In this order strata are contiguous, and in them equal labels: count on from the own block's end, in a circle.
    start = np.cumsum(sizes) - sizes
    block_end = np.cumsum(same)[block] - start[stratum]
    step = rng.integers(0, sizes[stratum] - same[block])
    return order[start[stratum] + (block_end + step) % sizes[stratum]]


def _joined(stratum: Int[np.ndarray, " queries"], labels: Int[np.ndarray, " queries"]) -> Int[np.ndarray, " queries"]:
    """One label for both, which sorts by stratum first."""
    _, label = np.unique(labels, return_inverse=True)
    return stratum * (int(label.max(initial=0)) + 1) + label
