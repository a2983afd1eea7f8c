"""Whether values come in two kinds: Silverman's test of one mode for facts whose relations have levels of their own.

The null world of Silverman's test is the data's own kernel density at the critical bandwidth h. Where facts of a
relation resemble each other, few relations look like few heaps, and noise of size h that every fact draws for itself
would smear the heaps in the null world but not in the data: one mode would be rejected far too often (in 26 % of worlds
with 12 relations that differ and facts that do not). So the noise is divided as the variance is: with the intraclass
correlation r, a relation draws sqrt(r) h of it and each of its facts sqrt(1 - r) h.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.ndimage
from jaxtyping import Float, Int

from harness.statistics.modes import GRID, REACH, one_mode_test

BELOW_CRITICAL: Final = 0.98
"""Modes are located at this share of the critical bandwidth, where the last two of them are still apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Result of the test of one mode against more.

    Attributes:
        p_value: small if the values have more than one mode.
        modes: where the density has its modes just before they merge, ascending; one if there is no sign of more.
        valley: where the density is lowest between the first mode and the last; None if there is one.
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
        resolution: smallest bandwidth that is looked at; 0 for continuous values.
        draws: samples from the null world.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    shared = intraclass_correlation(values, cluster)
    bandwidth = one_mode_test(values, rng=rng, resolution=resolution, draws=0).bandwidth
    if len(values) == 0 or np.ptp(values) == 0:
        return Kinds(1.0, tuple(values[:1].tolist()), None, bandwidth, shared)
    modes, valley = _modes(values, BELOW_CRITICAL * bandwidth)
    if valley is None:
        return Kinds(1.0, modes, None, bandwidth, shared)
    shrink = 1 / math.sqrt(1 + (bandwidth / values.std()) ** 2)
    centre = values.mean()
    blocks = [values[cluster == g] - centre for g in range(int(cluster.max()) + 1)]
    several = 0
    for _ in range(draws):
        drawn = [blocks[g] for g in rng.integers(len(blocks), size=len(blocks))]
        picked = np.concatenate(drawn)
        of_cluster = np.repeat(rng.standard_normal(len(drawn)), [len(block) for block in drawn])
        noise = math.sqrt(shared) * of_cluster + math.sqrt(1 - shared) * rng.standard_normal(len(picked))
        several += int(len(_modes(centre + shrink * (picked + bandwidth * noise), bandwidth)[0]) > 1)
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


def _modes(values: Float[np.ndarray, " facts"], bandwidth: float) -> tuple[tuple[float, ...], float | None]:
    """Where the Gaussian kernel density of the values has its local maxima, ascending, and its minimum between them."""
    low, spread = float(values.min()), float(np.ptp(values))
    place = (values - low) / spread * (GRID - 1)
    left = np.minimum(place.astype(np.int64), GRID - 2)
    right = place - left
    weights = np.bincount(left, 1 - right, GRID) + np.bincount(left + 1, right, GRID)
    density = scipy.ndimage.gaussian_filter1d(
        weights, bandwidth / spread * (GRID - 1), mode="constant", truncate=REACH, output=np.float64
    )
    around = np.pad(density, 1)
    peaks = np.flatnonzero((density > around[:-2]) & (density >= around[2:]))
    step = spread / (GRID - 1)
    lowest = peaks[0] + int(density[peaks[0] : peaks[-1] + 1].argmin()) if len(peaks) > 1 else None
    return tuple((low + peaks * step).tolist()), None if lowest is None else float(low + lowest * step)
