"""Confidence intervals: what they are, and the classical one on relation means."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, both ends included.

    Attributes:
        low: lower end.
        high: upper end.
        method: how it was made, in words.
    """

    low: float
    high: float
    method: str


def t_interval(
    means: Float[np.ndarray, " clusters"],
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Interval | None:
    """Student's interval for the mean of cluster means: mean +- t(G - 1) * sd / sqrt(G).

    Every cluster weighs the same, whatever its size, so it estimates the mean relation rather than the mean fact; where
    both agree, the answer does not hang on the weighting.

    Args:
        means: one mean a cluster.
        level: confidence.
        bounds: range of the parameter; the interval is clipped to it.

    Returns:
        the interval, or None for fewer than two clusters, which show no spread.
    """
    n = len(means)
    if n < 2:
        return None
    half = float(scipy.stats.t.ppf((1 + level) / 2, n - 1) * means.std(ddof=1) / math.sqrt(n))
    mean = float(means.mean())
    return Interval(max(mean - half, bounds[0]), min(mean + half, bounds[1]), "t on relation means")
