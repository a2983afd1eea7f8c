"""Silverman's test of one mode against more, for values that may be coarse.

The critical bandwidth is the smallest bandwidth at which a Gaussian kernel density of the values has one mode. The null
world is that density itself: samples from it, shrunk to the variance of the data, that still have more than one mode at
the critical bandwidth say that it is no larger than chance makes it (Silverman 1981, smoothed bootstrap).

Values such as CS2 are fractions of small integers. Their lattice is a row of modes that mean nothing, so a bandwidth
below the values' resolution is never used: what is one mode at that bandwidth is one mode, with p = 1.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.ndimage
from jaxtyping import Float, Int

GRID: Final = 512
"""Grid cells over the range of the values; densities are exact up to linear binning to it."""

REACH: Final = 8.0
"""Where the kernel is cut off, in bandwidths: far enough (1e-14) that the cut makes no mode of its own."""


@dataclass(frozen=True, slots=True)
class ModesTest:
    """Result of the test of one mode.

    Attributes:
        p_value: small if the values have more than one mode.
        bandwidth: the critical bandwidth, or the resolution where one mode is all that it shows.
    """

    p_value: float
    bandwidth: float


def one_mode_test(
    values: Float[np.ndarray, " facts"],
    *,
    rng: np.random.Generator,
    clusters: Int[np.ndarray, " facts"] | None = None,
    resolution: float = 0.0,
    draws: int = 200,
) -> ModesTest:
    """Silverman's test of one mode: p = (1 + #{draws with more than one mode at h}) / (1 + draws).

    Args:
        values: one value a fact.
        rng: draws the smoothed bootstrap.
        clusters: the cluster of each fact; samples then take whole clusters, so that a few relations with means of
            their own are not taken for modes. Without it facts are independent.
        resolution: smallest bandwidth that is looked at: the spacing of the values' lattice; 0 for continuous values.
        draws: samples from the null world.
    """
    spread = float(np.ptp(values)) if len(values) else 0.0
    if spread == 0.0:
        return ModesTest(1.0, resolution)
    weights = _bin(values, float(values.min()), spread)[None]
    floor = max(resolution, spread / GRID)
    if _count_modes(weights, floor / spread)[0] <= 1:
        return ModesTest(1.0, floor)
    bandwidth = _critical_bandwidth(weights, floor / spread) * spread
    shrink = 1 / np.sqrt(1 + (bandwidth / values.std()) ** 2)
    blocks = _blocks(values, clusters)
    several = 0
    for _ in range(draws):
        picked = rng.choice(values, size=len(values)) if blocks is None else _whole_blocks(blocks, rng)
        smooth = values.mean() + (picked - values.mean() + bandwidth * rng.standard_normal(len(picked))) * shrink
        low, wide = float(smooth.min()), float(np.ptp(smooth))
        several += int(_count_modes(_bin(smooth, low, wide)[None], bandwidth / wide)[0] > 1)
    return ModesTest((1 + several) / (1 + draws), bandwidth)


def _blocks(values: Float[np.ndarray, " facts"], clusters: Int[np.ndarray, " facts"] | None) -> list[np.ndarray] | None:
    """The values of each cluster; None if there are no clusters."""
    if clusters is None:
        return None
    order = np.argsort(clusters, kind="stable")
    return np.split(values[order], np.flatnonzero(np.diff(clusters[order])) + 1)


def _whole_blocks(blocks: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([blocks[i] for i in rng.integers(len(blocks), size=len(blocks))])


def _bin(values: Float[np.ndarray, " facts"], low: float, spread: float) -> Float[np.ndarray, " grid"]:
    """Weight of each grid cell, every value shared linearly between its two neighbors."""
    place = (values - low) / spread * (GRID - 1)
    left = np.minimum(place.astype(np.int64), GRID - 2)
    right_share = place - left
    return np.bincount(left, 1 - right_share, GRID) + np.bincount(left + 1, right_share, GRID)


def _count_modes(weights: Float[np.ndarray, "samples grid"], bandwidth: float) -> Int[np.ndarray, " samples"]:
    """Local maxima of the kernel density; `bandwidth` is a share of the grid."""
    density = scipy.ndimage.gaussian_filter1d(
        weights, bandwidth * (GRID - 1), axis=1, mode="constant", truncate=REACH, output=np.float64
    )
    around = np.pad(density, ((0, 0), (1, 1)))
    return ((density > around[:, :-2]) & (density >= around[:, 2:])).sum(axis=1)


def _critical_bandwidth(weights: Float[np.ndarray, "1 grid"], several: float, steps: int = 30) -> float:
    """The smallest bandwidth with one mode; the number of modes falls as a Gaussian's bandwidth grows.

    Args:
        weights: binned values.
        several: a bandwidth that shows more than one mode, as a share of the grid.
        steps: halvings.
    """
    one = 1.0
    for _ in range(steps):
        middle = (several * one) ** 0.5
        if _count_modes(weights, middle)[0] > 1:
            several = middle
        else:
            one = middle
    return one
