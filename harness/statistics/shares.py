"""The share of facts at or below a cut, by cluster; a cut that was estimated can be estimated anew in every draw."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from harness.errors import ConfigError
from harness.statistics.bootstrap import (
    UNIT,
    StudentizedBootstrap,
    cluster_bootstrap,
    multiplicities,
    ratio_and_error,
    studentize,
)
from harness.statistics.interval import Interval, t_interval

CELLS_AT_ONCE: Final = 200_000
"""Cells [draws, distinct values] worked on at once: what fits into the cache."""

SplitRule: TypeAlias = Callable[[Float[np.ndarray, "draws distinct"], Float[np.ndarray, "draws distinct"]], np.ndarray]
"""Where reweighted values are cut: from cumulative weights and cumulative weighted sums over the sorted distinct values
to the index of the last one at or below the cut, one a draw."""


@dataclass(frozen=True, slots=True, eq=False)
class ShareEstimate:
    """A share over facts with clustered intervals.

    Attributes:
        estimate: the share.
        se: its standard error by linearisation, given the cut.
        bootstrap: the bootstrap-t interval; its method names the fallback where that was needed.
        t: Student's interval on the clusters' shares; None for one cluster.
        cut: values at or below it are counted.
        degenerate_draws: share of bootstrap draws whose standard error is 0.
        n_clusters: clusters that hold a value.
        n: values.
        studentized: the bootstrap itself, for p-values.
    """

    estimate: float
    se: float
    bootstrap: Interval
    t: Interval | None
    cut: float
    degenerate_draws: float
    n_clusters: int
    n: int
    studentized: StudentizedBootstrap


def share_at_or_below(
    values: Float[np.ndarray, " facts"],
    clusters: Int[np.ndarray, " facts"],
    cut: float,
    *,
    draws: int,
    rng: np.random.Generator,
    split: SplitRule | None = None,
    level: float = 0.95,
) -> ShareEstimate:
    """Share of values at or below a cut: theta = #{value <= cut} / #{value}, the clusters drawn with replacement.

    Args:
        values: one value a fact, finite.
        clusters: the cluster of each fact, any labels.
        cut: the cut of the whole sample.
        draws: bootstrap draws.
        rng: draws the clusters.
        split: the rule that estimates the cut, applied to every draw; without it the cut is held. Where the cut parts
            two modes, the interval of a held cut covers and that of one estimated anew does not (docs/calibration.md):
            it is for cuts of which nothing is known.
        level: confidence of the intervals.

    Raises:
        ConfigError: there is no value, or one is not finite.
    """
    if len(values) == 0 or len(values) != len(clusters) or not np.isfinite(values).all():
        raise ConfigError(
            f"a share needs at least one value, all finite, and a cluster for each; got {len(values)} values and"
            f" {len(clusters)} clusters",
            setting="values",
            value=values,
        )
    _, cluster = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(cluster).astype(np.float64)
    totals = np.bincount(cluster, weights=values <= cut)
    if split is None:
        studentized = cluster_bootstrap(totals, sizes, draws=draws, rng=rng, bounds=UNIT)
    else:
        theta, se = _redrawn_shares(values, cluster, split, draws, rng)
        studentized = studentize(totals, sizes, theta, se, bounds=UNIT)
    return _estimate(studentized, totals / sizes, cut, len(values), level)


def weighted_shares(
    values: Float[np.ndarray, "groups facts"],
    clusters: Int[np.ndarray, " facts"],
    cuts: Float[np.ndarray, " groups"],
    weights: Float[np.ndarray, " groups"],
    *,
    draws: int,
    rng: np.random.Generator,
) -> StudentizedBootstrap:
    """A weighted sum of the shares at or below a cut in several groups of values of the same facts.

    theta = sum_m w_m #{f: value_mf <= cut_m} / #{f}, such as a difference or a slope. A cluster is drawn whole, with
    the values of all groups, so what they have in common cancels.

    Args:
        values: one value a group and fact, finite.
        clusters: the cluster of each fact, any labels.
        cuts: the cut of each group's whole sample.
        weights: of each group.
        draws: bootstrap draws.
        rng: draws the clusters.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(cluster).astype(np.float64)
    totals = np.bincount(cluster, weights @ (values <= cuts[:, None]))
    bounds = (float(np.minimum(weights, 0).sum()), float(np.maximum(weights, 0).sum()))
    return cluster_bootstrap(totals, sizes, draws=draws, rng=rng, bounds=bounds)


def _estimate(
    studentized: StudentizedBootstrap, shares: Float[np.ndarray, " clusters"], cut: float, n: int, level: float
) -> ShareEstimate:
    return ShareEstimate(
        estimate=studentized.estimate,
        se=studentized.se,
        bootstrap=studentized.interval(level),
        t=t_interval(shares, level=level, bounds=UNIT),
        cut=cut,
        degenerate_draws=studentized.degenerate_draws,
        n_clusters=len(shares),
        n=n,
        studentized=studentized,
    )


def _redrawn_shares(
    values: Float[np.ndarray, " facts"],
    cluster: Int[np.ndarray, " facts"],
    split: SplitRule,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, " draws"]]:
    """The share and its standard error in every draw, each with the cut that the draw gives."""
    cumulative, sizes = _Cumulative.of(values, cluster), np.bincount(cluster).astype(np.float64)
    thetas, errors = [], []
    chunk = max(1, CELLS_AT_ONCE // cumulative.counts.shape[1])
    for times in multiplicities(len(sizes), draws, rng=rng, chunk=chunk):
        totals = cumulative.at_or_below[split(times @ cumulative.counts, times @ cumulative.sums)]
        theta, se = ratio_and_error(totals, sizes[None], times)
        thetas.append(theta)
        errors.append(se)
    return np.concatenate(thetas), np.concatenate(errors)


@dataclass(frozen=True, slots=True, eq=False)
class _Cumulative:
    """Values by cluster, cumulated over their sorted distinct values.

    A draw is a weighting of clusters, so its cumulative counts and sums are one product of multiplicities
    [draws, clusters] and these.

    Attributes:
        counts: values of each cluster up to and with each distinct value.
        sums: their sum, less the mean of all values a value: a cut does not move by it, rounding does.
        at_or_below: the counts, by distinct value first.
    """

    counts: Float[np.ndarray, "clusters distinct"]
    sums: Float[np.ndarray, "clusters distinct"]
    at_or_below: Float[np.ndarray, "distinct clusters"]

    @classmethod
    def of(cls, values: Float[np.ndarray, " facts"], cluster: Int[np.ndarray, " facts"]) -> "_Cumulative":
        distinct, position = np.unique(values, return_inverse=True)
        shape = (int(cluster.max()) + 1, len(distinct))
        cell = cluster * shape[1] + position
        at_value = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
        counts = np.cumsum(at_value, axis=1)
        sums = np.cumsum(at_value * (distinct - values.mean()), axis=1)
        return cls(counts, sums, np.ascontiguousarray(counts.T))
