"""Pearson's correlation over facts whose clusters are relations, and what it says of the reliability of a score.

A draw takes m_g copies of cluster g; means, standard deviations and r are those of all copies together. The influence
of a fact i on r is

    u_i = z_i w_i - r / 2 (z_i^2 + w_i^2),    z and w the standardised values,

so se^2(r) = G / (G - 1) * sum_g m_g U_g^2 / N^2 with U_g the sum of u_i over the cluster and N = sum_g m_g n_g. The
bootstrap-t is of atanh r, whose standard error is se(r) / (1 - r^2), because r itself is skew near 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from harness.errors import ConfigError
from harness.statistics.bootstrap import NO_VARIANCE, StudentizedBootstrap, multiplicities
from harness.statistics.interval import Interval

_LARGEST = 1 - 1e-12
"""Of |r|: atanh of 1 is infinite."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correlation:
    """A correlation with its bootstrap.

    Attributes:
        r: Pearson's correlation of the two values of a fact.
        fisher: the bootstrap of atanh r over clusters.
    """

    r: float
    fisher: StudentizedBootstrap

    def interval(self, level: float = 0.95) -> Interval:
        """Of r; from -1 to 1 where clusters show no spread, or there are too few of them to tell."""
        found = self.fisher.interval(level)
        return Interval(math.tanh(found.low), math.tanh(found.high), found.method)


def spearman_brown(r: float) -> float | None:
    """2 r / (1 + r): the reliability of a score whose halves correlate by r; None where r is -1."""
    return None if r <= -1.0 + 1e-9 else 2 * r / (1 + r)


def cluster_correlation(
    first: Float[np.ndarray, " facts"],
    second: Float[np.ndarray, " facts"],
    cluster: Int[np.ndarray, " facts"],
    *,
    draws: int,
    rng: np.random.Generator,
) -> Correlation | None:
    """Pearson's correlation of two values of every fact, with a bootstrap-t over clusters.

    Args:
        first: one value a fact.
        second: the other.
        cluster: the relation of each fact, an index from 0; every cluster has a fact.
        draws: bootstrap draws.
        rng: draws the clusters.

    Returns:
        None where a value is the same for all facts.

    Raises:
        ConfigError: a cluster has no fact.
    """
    if len(first) == 0:
        return None
    sizes = np.bincount(cluster)
    if (sizes == 0).any():
        raise ConfigError("every cluster needs at least one fact", setting="cluster", value=sizes)
    x, y = first - first.mean(), second - second.mean()  # moments about a mean lose no digits
    moments = np.stack([np.bincount(cluster, values) for values in (np.ones_like(x), x, y, x * x, y * y, x * y)])
    r, se = (float(part[0]) for part in _correlation_and_error(moments, np.ones((1, len(sizes)))))
    if not math.isfinite(r):
        return None
    blocks = [_correlation_and_error(moments, times) for times in multiplicities(len(sizes), draws, rng=rng)]
    r_draws, se_draws = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    told = np.isfinite(r_draws)  # a draw in which nothing varies says nothing
    return Correlation(r=r, fisher=_fisher(r, se, r_draws[told], se_draws[told], n_clusters=len(sizes)))


def _correlation_and_error(
    moments: Float[np.ndarray, "6 clusters"], times: Float[np.ndarray, "chunk clusters"]
) -> tuple[Float[np.ndarray, " chunk"], Float[np.ndarray, " chunk"]]:
    """r and its standard error when cluster g counts `times[:, g]` times; nan where a value does not vary.

    Args:
        moments: each cluster's number of facts and its sums of x, y, x^2, y^2 and xy.
        times: m_g of every draw.
    """
    size, *sums = (times @ moments.T).T
    mean_x, mean_y, xx, yy, xy = (total / size for total in sums)
    var_x, var_y = xx - mean_x**2, yy - mean_y**2
    varies = (var_x > NO_VARIANCE) & (var_y > NO_VARIANCE)
    sd_x, sd_y = (np.sqrt(np.where(varies, var, 1.0)) for var in (var_x, var_y))
    r = np.where(varies, np.clip((xy - mean_x * mean_y) / (sd_x * sd_y), -1, 1), np.nan)
    n, sx, sy, sxx, syy, sxy = moments
    mx, my, dx, dy = (value[:, None] for value in (mean_x, mean_y, sd_x, sd_y))
    zw = (sxy - mx * sy - my * sx + n * mx * my) / (dx * dy)
    zz = (sxx - 2 * mx * sx + n * mx**2) / dx**2
    ww = (syy - 2 * my * sy + n * my**2) / dy**2
    influence = zw - r[:, None] / 2 * (zz + ww)
    squares = (times * influence**2).sum(axis=1)
    squares = np.where(squares <= NO_VARIANCE * size**2, 0.0, squares)
    taken = times.sum(axis=1)
    return r, np.sqrt(squares * taken / np.maximum(taken - 1, 1)) / size


def _fisher(
    r: float, se: float, r_draws: Float[np.ndarray, " told"], se_draws: Float[np.ndarray, " told"], *, n_clusters: int
) -> StudentizedBootstrap:
    """Joins r and its draws on the scale of atanh, where r = 1 has no finite place and no spread."""
    held, held_draws = float(np.clip(r, -_LARGEST, _LARGEST)), np.clip(r_draws, -_LARGEST, _LARGEST)
    return StudentizedBootstrap.of(
        (math.atanh(held), se / (1 - held**2)),
        np.arctanh(held_draws),
        se_draws / (1 - held_draws**2),
        n_clusters=n_clusters,
        effective_clusters=None,
        bounds=(-math.inf, math.inf),
    )
