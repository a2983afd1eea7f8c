"""The share of facts at or below every cut of a row of cuts, with a band that holds the whole curve at once.

The band is theta(c) +- q se(c), q the quantile of max_c |t*(c)| over cluster bootstrap draws (see `bootstrap`). Where
nearly all relations agree (a share of nearly 0 or 1) t* is infinite in many draws and would widen the band everywhere;
such cuts stay out of the maximum and get the exact binomial interval with relations as trials, at Bonferroni's level.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from harness.errors import ConfigError
from harness.statistics.bootstrap import NO_VARIANCE, UNIT, multiplicities, ratio_and_error, studentize

MOST_FLAT_DRAWS: Final = 0.005
"""A cut with more draws than this in which all relations agree stays out of the maximum."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Shares with a simultaneous band.

    Attributes:
        cuts: the cuts.
        shares: share of the values at or below each.
        low: lower edge of the band.
        high: upper edge.
    """

    cuts: Float[np.ndarray, " cuts"]
    shares: Float[np.ndarray, " cuts"]
    low: Float[np.ndarray, " cuts"]
    high: Float[np.ndarray, " cuts"]


def share_curve(
    values: Float[np.ndarray, " facts"],
    clusters: Int[np.ndarray, " facts"],
    cuts: Float[np.ndarray, " cuts"],
    *,
    draws: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Curve:
    """Shares at or below each cut; the true curve lies within the band with probability `level`.

    Args:
        values: one value a fact, finite.
        clusters: the cluster of each, any labels.
        cuts: where to look, ascending.
        draws: bootstrap draws over clusters.
        rng: draws them.
        level: confidence of the whole band.

    Raises:
        ConfigError: there is no value or no cut.
    """
    if len(values) == 0 or len(cuts) == 0:
        raise ConfigError("a curve needs values and cuts", setting="cuts", value=cuts)
    _, cluster = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(cluster).astype(np.float64)
    totals = np.array([np.bincount(cluster, values <= cut, len(sizes)) for cut in cuts])
    times = np.concatenate(list(multiplicities(len(sizes), draws, rng=rng)))
    shares, errors = np.empty((2, len(cuts)))
    t = np.zeros((len(cuts), draws))
    flat = np.ones(len(cuts), dtype=bool)
    low, high = np.empty((2, len(cuts)))
    for i, total in enumerate(totals):
        theta, se = ratio_and_error(total[None], sizes[None], times)
        alone = studentize(total, sizes, theta, se, bounds=UNIT)
        shares[i], errors[i] = alone.estimate, alone.se
        flat[i] = alone.degenerate_draws > MOST_FLAT_DRAWS
        exact = studentize(total, sizes, theta, np.zeros_like(se), bounds=UNIT).interval(1 - (1 - level) / len(cuts))
        low[i], high[i] = exact.low, exact.high
        t[i] = np.abs(theta - alone.estimate) / np.where(se > NO_VARIANCE, se, np.inf)
    if not flat.all():
        widest = np.quantile(t[~flat].max(axis=0), level, method="higher")
        low[~flat] = np.maximum(shares[~flat] - widest * errors[~flat], 0.0)
        high[~flat] = np.minimum(shares[~flat] + widest * errors[~flat], 1.0)
    return Curve(cuts, shares, low, high)
