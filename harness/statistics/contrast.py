"""Studentized (bootstrap-t) cluster bootstrap of the difference between the means of two classes of facts.

With y_gc the total and n_gc the size of class c in cluster g, the estimate is

    theta = sum_g y_g1 / sum_g n_g1 - sum_g y_g0 / sum_g n_g0.

A draw takes G clusters with replacement (cluster g counts m_g times), and linearisation gives

    u_g = (y_g1 - mean_1 n_g1) / sum_g m_g n_g1 - (y_g0 - mean_0 n_g0) / sum_g m_g n_g0,
    se^2 = G / (G - 1) * sum_g m_g u_g^2                            (m_g = 1 for the estimate).

So a cluster may hold facts of one class only, and what both classes of a cluster have in common cancels in u_g.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from harness.errors import ConfigError
from harness.statistics.bootstrap import NO_VARIANCE, StudentizedBootstrap, multiplicities

DIFFERENCE: Final = (-1.0, 1.0)
"""Range of a difference of two means of values in [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """A difference of two class means.

    Attributes:
        means: the class means, first minus second is the estimate.
        studentized: the bootstrap over the draws that hold both classes.
        empty_draws: share of draws in which a class has no fact.
    """

    means: tuple[float, float]
    studentized: StudentizedBootstrap
    empty_draws: float


def cluster_contrast(
    totals: Float[np.ndarray, "2 clusters"],
    sizes: Float[np.ndarray, "2 clusters"],
    *,
    draws: int,
    rng: np.random.Generator,
    bounds: tuple[float, float] = DIFFERENCE,
) -> Contrast:
    """Bootstrap-t of the first class's mean minus the second's; clusters are drawn whole, with both their classes.

    Args:
        totals: y_gc; 0 where the cluster has no fact of the class.
        sizes: n_gc >= 0.
        draws: bootstrap draws.
        rng: draws the clusters.
        bounds: range of the difference.

    Raises:
        ConfigError: a class is empty.
    """
    if (sizes.sum(axis=1) <= 0).any():
        raise ConfigError("a contrast needs facts in both classes", setting="sizes", value=sizes)
    n_clusters = sizes.shape[1]
    means = totals.sum(axis=1) / sizes.sum(axis=1)
    estimate, se, _ = _difference(totals, sizes, np.ones((1, n_clusters)))
    blocks = [_difference(totals, sizes, times) for times in multiplicities(n_clusters, draws, rng=rng)]
    theta, errors, both = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    studentized = StudentizedBootstrap.of(
        (float(estimate[0]), float(se[0])),
        theta[both],
        errors[both],
        n_clusters=n_clusters,
        effective_clusters=None,
        bounds=bounds,
    )
    return Contrast((float(means[0]), float(means[1])), studentized, float(1 - both.mean()))


def _difference(
    totals: Float[np.ndarray, "2 clusters"],
    sizes: Float[np.ndarray, "2 clusters"],
    times: Float[np.ndarray, "chunk clusters"],
) -> tuple[Float[np.ndarray, " chunk"], Float[np.ndarray, " chunk"], Bool[np.ndarray, " chunk"]]:
    """theta*, its standard error (0 where only rounding is left), and whether both classes have a fact."""
    size = times @ sizes.T
    both: np.ndarray = np.all(size > 0, axis=1)
    size = np.where(size > 0, size, 1.0)
    means = times @ totals.T / size
    influence = np.zeros_like(times)
    for sign, c in ((1.0, 0), (-1.0, 1)):
        influence += sign * (totals[c] - means[:, c, None] * sizes[c]) / size[:, c, None]
    squares = (times * influence**2).sum(axis=1)
    squares[squares <= NO_VARIANCE] = 0.0
    n_clusters = times.shape[1]
    return means[:, 0] - means[:, 1], np.sqrt(squares * n_clusters / max(n_clusters - 1, 1)), both
