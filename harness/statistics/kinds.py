"""Whether values come in two kinds: Silverman's test of one mode for facts whose relations have levels of their own.

The critical bandwidth is the smallest bandwidth h at which a Gaussian kernel density of the values has one mode. The
null world is that density itself: samples from it, shrunk to the variance of the data, that still have more than one
mode at h say that h is no larger than chance makes it (Silverman 1981, smoothed bootstrap).

Where facts of a relation resemble each other, few relations look like few heaps. Samples take whole relations for it;
but noise of size h that every fact draws for itself would smear the heaps in the null world and not in the data: one
mode would be rejected far too often (in 26 % of worlds with 12 relations that differ and facts that do not). So the
noise is divided as the variance is: with the intraclass correlation r, a relation draws sqrt(r) h of it and each of its
facts sqrt(1 - r) h.

Values such as CS2 are fractions of small integers. Their lattice is a row of modes that mean nothing, so a bandwidth
below the values' resolution is never used: what is one mode at that bandwidth is one mode, with p = 1.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

GRID: Final = 512
"""Grid cells over the range of the values; densities are exact up to linear binning to it."""

REACH: Final = 8.0
"""How far a density is followed beyond the values, in bandwidths: what wraps around from there is nothing (1e-14)."""

NOTHING: Final = 1e-11
"""A density below this share of the largest is 0: the transform's rounding makes no modes there, and one value among a
hundred thousand is far above."""

CELLS_A_BANDWIDTH: Final = 16
"""Grid cells a bandwidth, for samples from the null world."""

FARTHEST_NOISE: Final = 6.5
"""Where the grid of those samples ends, in bandwidths beyond the values: noise lies farther out once in 1e10 values."""

HALVINGS: Final = 16
"""Steps in which the critical bandwidth is enclosed: to a ten-thousandth, between a bandwidth and 512 times that."""

BELOW_CRITICAL: Final = 0.98
"""Modes are located at this share of the critical bandwidth, where the last two of them are still apart."""

VALLEY: Final = 0.5
"""The valley is located at this share of it: near the critical bandwidth the larger heap's flank fills the valley, and
what is left lies in the smaller heap."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Result of the test of one mode against more.

    Attributes:
        p_value: small if the values have more than one mode.
        modes: where the density has its modes just before they merge, ascending; one if there is no sign of more.
        valley: where the density is lowest between the first mode and the last, at half the bandwidth; None if there is
            one mode.
        bandwidth: the critical bandwidth, or the resolution where one mode is all that it shows.
        shared: intraclass correlation: the share of the variance that lies between clusters.
    """

    p_value: float
    modes: tuple[float, ...]
    valley: float | None
    bandwidth: float
    shared: float


def kinds_test(
    values: Float[np.ndarray, " facts"],
    clusters: Int[np.ndarray, " facts"],
    *,
    rng: np.random.Generator,
    resolution: float = 0.0,
    draws: int = 200,
) -> Kinds:
    """Tests one mode against more: p = (1 + #{draws with more than one mode at h}) / (1 + draws).

    Args:
        values: one value a fact, finite.
        clusters: the cluster of each, any labels.
        rng: draws clusters and noise.
        resolution: smallest bandwidth that is looked at: the spacing of the values' lattice; 0 for continuous values.
        draws: samples from the null world.
    """
    if len(values) == 0 or np.ptp(values) == 0:
        return Kinds(1.0, tuple(values[:1].tolist()), None, resolution, 0.0)
    _, cluster = np.unique(clusters, return_inverse=True)
    shared = intraclass_correlation(values, cluster)
    binned = _Binned.of(values)
    floor = max(resolution, binned.spread / GRID)
    if len(binned.peaks(floor)[0]) <= 1:
        return Kinds(1.0, binned.modes(floor), None, floor, shared)
    bandwidth = binned.critical_bandwidth(floor)
    modes = binned.modes(BELOW_CRITICAL * bandwidth)
    valley = binned.valley(modes, max(VALLEY * bandwidth, floor)) if len(modes) > 1 else None
    several = _null_with_several_modes(values, cluster, bandwidth, shared, draws, rng)
    return Kinds((1 + several) / (1 + draws), modes, valley, bandwidth, shared)


def intraclass_correlation(values: Float[np.ndarray, " facts"], cluster: Int[np.ndarray, " facts"]) -> float:
    """Share of the variance between clusters, by one-way analysis of variance, kept within [0, 1].

    (MSB - MSW) / (MSB + (n0 - 1) MSW), n0 = (n - sum n_g^2 / n) / (G - 1); 0 for one cluster or no variance.

    Args:
        values: one value a fact.
        cluster: the cluster of each, numbered from 0 without a gap.
    """
    sizes = np.bincount(cluster).astype(np.float64)
    n, groups = len(values), len(sizes)
    if groups < 2 or np.ptp(values) == 0:
        return 0.0
    means = np.bincount(cluster, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (groups - 1)
    within = float(((values - means[cluster]) ** 2).sum()) / max(n - groups, 1)
    typical = (n - float((sizes**2).sum()) / n) / (groups - 1)
    return min(max((between - within) / (between + (typical - 1) * within), 0.0), 1.0)


def _null_with_several_modes(
    values: Float[np.ndarray, " facts"],
    cluster: Int[np.ndarray, " facts"],
    bandwidth: float,
    shared: float,
    draws: int,
    rng: np.random.Generator,
) -> int:
    """How many samples from the null world have more than one mode at the bandwidth.

    All samples lie on one grid, so that their densities are one product: the grid's step is fine against the bandwidth,
    and its ends are so far out that noise does not reach them.
    """
    shrink = 1 / math.sqrt(1 + (bandwidth / values.std()) ** 2)
    order = np.argsort(cluster, kind="stable")
    blocks = np.split((values[order] - values.mean()) * shrink, np.cumsum(np.bincount(cluster))[:-1])
    noise, spread = bandwidth * shrink, float(np.ptp(values))
    step = max(bandwidth / CELLS_A_BANDWIDTH, spread / GRID)
    low = float((values.min() - values.mean()) * shrink) - FARTHEST_NOISE * noise
    cells = math.ceil((spread * shrink + 2 * FARTHEST_NOISE * noise) / step) + 2
    binned = np.empty((draws, cells))
    for row in binned:
        drawn = [blocks[g] for g in rng.integers(len(blocks), size=len(blocks))]
        sample = np.concatenate(drawn)
        of_cluster = np.repeat(rng.standard_normal(len(drawn)), [len(block) for block in drawn])
        of_fact = rng.standard_normal(len(sample))
        sample += noise * (math.sqrt(shared) * of_cluster + math.sqrt(1 - shared) * of_fact)
        row[:] = _bin(np.clip((sample - low) / step, 0, cells - 1), cells)
    apart = (np.arange(cells)[:, None] - np.arange(cells)) * (step / bandwidth)
    density = binned @ np.exp(-(apart**2) / 2)
    return int((_is_peak(density).sum(axis=1) > 1).sum())


def _bin(place: Float[np.ndarray, " facts"], cells: int) -> Float[np.ndarray, " cells"]:
    """Weight of each cell, every value shared linearly between its two neighbors; places count in cells."""
    left = np.minimum(place.astype(np.int64), cells - 2)
    right = place - left
    return np.bincount(left, 1 - right, cells) + np.bincount(left + 1, right, cells)


def _is_peak(density: Float[np.ndarray, "*samples cells"]) -> Bool[np.ndarray, "*samples cells"]:
    """Where a density has its local maxima; of equal neighbors the first."""
    around = np.pad(density, [(0, 0)] * (density.ndim - 1) + [(1, 1)])
    return (density > around[..., :-2]) & (density >= around[..., 2:])


@dataclass(frozen=True, slots=True, eq=False)
class _Binned:
    """Values on a grid over their range.

    Attributes:
        weights: weight of each grid cell, every value shared linearly between its two neighbors.
        low: smallest value.
        spread: largest minus smallest, above 0.
    """

    weights: Float[np.ndarray, " grid"]
    low: float
    spread: float

    @classmethod
    def of(cls, values: Float[np.ndarray, " facts"]) -> "_Binned":
        low, spread = float(values.min()), float(np.ptp(values))
        return cls(_bin((values - low) / spread * (GRID - 1), GRID), low, spread)

    @property
    def step(self) -> float:
        """Width of a grid cell."""
        return self.spread / (GRID - 1)

    def peaks(self, bandwidth: float) -> tuple[Int[np.ndarray, " modes"], Float[np.ndarray, " grid"]]:
        """Cells at which the Gaussian kernel density has its local maxima, and the density."""
        cells = bandwidth / self.step
        length = 1 << (GRID + math.ceil(REACH * cells)).bit_length()
        around = np.arange(length)
        kernel = np.exp(-((np.minimum(around, length - around) / cells) ** 2) / 2)
        density = np.fft.irfft(np.fft.rfft(self.weights, length) * np.fft.rfft(kernel), length)[:GRID]
        density[density < NOTHING * density.max()] = 0
        return np.flatnonzero(_is_peak(density)), density

    def modes(self, bandwidth: float) -> tuple[float, ...]:
        """Where the modes lie, ascending."""
        return tuple((self.low + self.peaks(bandwidth)[0] * self.step).tolist())

    def valley(self, modes: tuple[float, ...], bandwidth: float) -> float:
        """Where the density is lowest between the first of the modes and the last."""
        first, last = (round((mode - self.low) / self.step) for mode in (modes[0], modes[-1]))
        density = self.peaks(bandwidth)[1]
        return self.low + self.step * float(first + density[first : last + 1].argmin())

    def critical_bandwidth(self, several: float) -> float:
        """The smallest bandwidth with one mode; the number of modes falls as a Gaussian's bandwidth grows.

        Args:
            several: a bandwidth that shows more than one mode.
        """
        one = self.spread
        for _ in range(HALVINGS):
            middle = math.sqrt(several * one)
            if len(self.peaks(middle)[0]) > 1:
                several = middle
            else:
                one = middle
        return one
