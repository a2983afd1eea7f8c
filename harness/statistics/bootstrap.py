"""Studentized (bootstrap-t) cluster bootstrap of a ratio: a share or a mean over facts whose clusters are relations.

The estimate is theta = sum_g y_g / sum_g n_g over G clusters, y_g the cluster's total and n_g its size. A draw takes G
clusters with replacement, so cluster g counts m_g times (multinomial), and gives

    theta* = sum_g m_g y_g / sum_g m_g n_g,    t* = (theta* - theta) / se*,
    se^2 = G / (G - 1) * sum_g m_g (y_g - theta n_g)^2 / (sum_g m_g n_g)^2    (linearisation; m_g = 1 for the estimate).

The interval is [theta - q_high se, theta - q_low se] with the quantiles q of t*.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.stats
from jaxtyping import Float

from harness.errors import ConfigError
from harness.statistics.interval import Interval

BOOTSTRAP_T: Final = "bootstrap-t over relations"
CLOPPER_PEARSON: Final = "Clopper-Pearson with relations as trials"
NO_SPREAD: Final = "none: relations show no spread"

UNIT: Final = (0.0, 1.0)
"""Range of a share."""

NO_VARIANCE: Final = 1e-24
"""A sum of squared cluster residuals below this share of the squared total size is rounding: it counts as zero."""


@dataclass(frozen=True, slots=True, eq=False)
class StudentizedBootstrap:
    """An estimate with the bootstrap distribution of its t statistic.

    Attributes:
        estimate: theta.
        se: its standard error by linearisation; 0 where all clusters agree, or there is only one.
        t_draws: t* of every draw, sorted. A draw with se* = 0 has t* = +-inf by the sign of theta* - theta, 0 if equal.
        degenerate_draws: share of draws with se* = 0.
        n_clusters: G.
        effective_clusters: (sum n_g)^2 / sum n_g^2: as many clusters of equal size would weigh as much; None where
            the parameter is no mean over clusters.
        bounds: range of the parameter, and of every cluster's value of it.
    """

    estimate: float
    se: float
    t_draws: Float[np.ndarray, " draws"]
    degenerate_draws: float
    n_clusters: int
    effective_clusters: float | None
    bounds: tuple[float, float]

    @classmethod
    def of(
        cls,
        estimate: tuple[float, float],
        theta_draws: Float[np.ndarray, " draws"],
        se_draws: Float[np.ndarray, " draws"],
        *,
        n_clusters: int,
        effective_clusters: float | None,
        bounds: tuple[float, float],
    ) -> "StudentizedBootstrap":
        """Joins an estimate and its standard error with those of the draws, theta* and se*."""
        theta, se = estimate
        shift = theta_draws - theta
        shift[np.abs(shift) <= math.sqrt(NO_VARIANCE)] = 0.0
        degenerate = se_draws == 0
        t = shift / np.where(degenerate, 1.0, se_draws)
        t[degenerate] = np.where(shift[degenerate] == 0, 0.0, np.copysign(np.inf, shift[degenerate]))
        return cls(
            estimate=theta,
            se=se,
            t_draws=np.sort(t),
            degenerate_draws=float(degenerate.mean()) if len(degenerate) else 1.0,
            n_clusters=n_clusters,
            effective_clusters=effective_clusters,
            bounds=bounds,
        )

    def interval(self, level: float = 0.95) -> Interval:
        """The bootstrap-t interval, clipped to the parameter's range.

        Quantiles are order statistics, rounded outwards, so infinite t* do no harm as long as they are few. Where the
        estimate has no spread, or so many draws have none that an end would be infinite, a mean over clusters of
        values between two bounds takes the exact binomial (Clopper-Pearson) interval with `effective_clusters` trials
        instead: a cluster's value varies at most as a trial does that has the bounds for its outcomes. Another
        parameter gets its whole range.
        """
        low, high = self.bounds
        if self._quantiles_are_finite(level):
            tail = self._tail(level)
            below = self.estimate - float(self.t_draws[-tail]) * self.se
            above = self.estimate - float(self.t_draws[tail - 1]) * self.se
            return Interval(max(below, low), min(above, high), BOOTSTRAP_T)
        trials = self._trials()
        if trials is None:
            return Interval(low, high, NO_SPREAD)
        hits, misses = trials
        below = float(scipy.stats.beta.ppf((1 - level) / 2, hits, misses + 1)) if hits > 0 else 0.0
        above = float(scipy.stats.beta.ppf((1 + level) / 2, hits + 1, misses)) if misses > 0 else 1.0
        return Interval(low + (high - low) * below, low + (high - low) * above, CLOPPER_PEARSON)

    def p_above(self, null: float, level: float = 0.95) -> float | None:
        """One-sided p of "the parameter is at most `null`", by the same method as the interval of this level.

        (1 + #{t* >= (theta - null) / se}) / (1 + draws), or the binomial tail; None where there is neither.
        """
        if self._quantiles_are_finite(level):
            t = (self.estimate - null) / self.se
            at_least = len(self.t_draws) - int(np.searchsorted(self.t_draws, t, side="left"))
            return (1 + at_least) / (1 + len(self.t_draws))
        trials = self._trials()
        if trials is None:
            return None
        hits, misses = trials
        low, high = self.bounds
        share = (null - low) / (high - low)
        return float(scipy.stats.beta.cdf(share, hits, misses + 1)) if hits > 0 else 1.0

    def _tail(self, level: float) -> int:
        """How many t* lie beyond each end."""
        return math.floor((len(self.t_draws) + 1) * (1 - level) / 2 + 1e-9)  # 400 * 0.05 is 19.999...

    def _quantiles_are_finite(self, level: float) -> bool:
        tail = self._tail(level)
        return self.se > 0 and tail >= 1 and bool(np.isfinite(self.t_draws[[tail - 1, -tail]]).all())

    def _trials(self) -> tuple[float, float] | None:
        """The estimate as outcomes at the upper and at the lower bound, fractions allowed; None if it is no mean."""
        low, high = self.bounds
        if self.effective_clusters is None or not math.isfinite(high - low):
            return None
        hits = min(max((self.estimate - low) / (high - low), 0.0), 1.0) * self.effective_clusters
        return hits, self.effective_clusters - hits


def cluster_bootstrap(
    totals: Float[np.ndarray, " clusters"],
    sizes: Float[np.ndarray, " clusters"],
    *,
    draws: int,
    rng: np.random.Generator,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> StudentizedBootstrap:
    """Bootstrap-t of theta = sum_g y_g / sum_g n_g.

    Args:
        totals: y_g, the cluster's sum (of a 0/1 flag for a share).
        sizes: n_g > 0, the cluster's number of facts.
        draws: bootstrap draws.
        rng: draws the clusters.
        bounds: range of the parameter; `UNIT` for a share, or a mean of values that all lie in [0, 1].

    Raises:
        ConfigError: there is no cluster, or an empty one.
    """
    if (sizes <= 0).any():
        raise ConfigError("every cluster needs at least one fact", setting="sizes", value=sizes)
    blocks = [ratio_and_error(totals[None], sizes[None], times) for times in multiplicities(len(sizes), draws, rng=rng)]
    theta, se = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return studentize(totals, sizes, theta, se, bounds=bounds)


def multiplicities(
    clusters: int, draws: int, *, rng: np.random.Generator, chunk: int = 1000
) -> Iterator[Float[np.ndarray, "chunk clusters"]]:
    """How often every cluster is taken in every draw, in chunks of draws.

    Raises:
        ConfigError: there is nothing to draw from, or no draw.
    """
    if clusters < 1 or draws < 1:
        raise ConfigError(
            f"a bootstrap needs at least one cluster and one draw, got {clusters} and {draws}",
            setting="draws",
            value=draws,
        )
    even = np.full(clusters, 1 / clusters)
    for first in range(0, draws, chunk):
        yield rng.multinomial(clusters, even, size=min(chunk, draws - first)).astype(np.float64)


def ratio_and_error(
    totals: Float[np.ndarray, "chunk_or_1 clusters"],
    sizes: Float[np.ndarray, "1 clusters"],
    times: Float[np.ndarray, "chunk clusters"],
) -> tuple[Float[np.ndarray, " chunk"], Float[np.ndarray, " chunk"]]:
    """theta and its standard error by linearisation, when cluster g counts `times[:, g]` times.

    Args:
        totals: y_g, one row for all draws or one a draw.
        sizes: n_g.
        times: m_g of every draw.

    Returns:
        theta and se; se is 0 where the clusters that were taken agree to rounding.
    """
    n_clusters = times.sum(axis=1)
    size = times @ sizes[0]
    theta = (times * totals).sum(axis=1) / size
    residuals = (totals - theta[:, None] * sizes) ** 2
    squares = (times * residuals).sum(axis=1)
    squares[squares <= NO_VARIANCE * size**2] = 0.0
    return theta, np.sqrt(squares * n_clusters / np.maximum(n_clusters - 1, 1)) / size


def studentize(
    totals: Float[np.ndarray, " clusters"],
    sizes: Float[np.ndarray, " clusters"],
    theta_draws: Float[np.ndarray, " draws"],
    se_draws: Float[np.ndarray, " draws"],
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> StudentizedBootstrap:
    """Joins the estimate with its draws, theta* and se*."""
    theta, se = (float(part[0]) for part in ratio_and_error(totals[None], sizes[None], np.ones((1, len(sizes)))))
    return StudentizedBootstrap.of(
        (theta, se),
        theta_draws,
        se_draws,
        n_clusters=len(sizes),
        effective_clusters=float(sizes.sum() ** 2 / (sizes**2).sum()),
        bounds=bounds,
    )


def minimum_detectable(se: float, clusters: int, *, power: float = 0.8, level: float = 0.95) -> float | None:
    """The smallest distance from the margin that an interval of this `level` would clear with this `power`.

    (t_{(1 + level) / 2} + t_{power}) * se, Student's t with clusters - 1 degrees of freedom; None for one cluster.

    Args:
        se: standard error of the estimate.
        clusters: how many clusters it rests on.
        power: probability to clear the margin.
        level: confidence of the interval.
    """
    if clusters < 2:
        return None
    return float((scipy.stats.t.ppf((1 + level) / 2, clusters - 1) + scipy.stats.t.ppf(power, clusters - 1)) * se)
