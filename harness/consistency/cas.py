"""The consistency-aware score of Eq. 7: neurons that score high in all of a fact's queries.

    CAS = beta1 * mean - beta2 * (population standard deviation)

over the attribution scores that a neuron has for the k queries of a fact. Only the ratio of the two betas matters to
what is selected. A neuron that scores in one query alone has mean a / k and deviation a sqrt(k - 1) / k, so at the
paper's 0.7 and 0.3 it is below 0 from k = 7 queries on, however high its score.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from harness.errors import ConfigError

STORED_CAS_FRACTION: Final = 0.05
"""Neurons above this fraction of the largest CAS are kept, so any selection above it needs no model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Betas:
    """How much a high mean counts, and how much a large deviation counts against it.

    Attributes:
        mean: beta1, above 0.
        deviation: beta2, 0 or above.
    """

    mean: float = 0.7
    deviation: float = 0.3

    def __post_init__(self) -> None:
        """Raises ConfigError if a beta is out of its range."""
        if not (self.mean > 0 and self.deviation >= 0):
            raise ConfigError(
                f"beta1 is above 0 and beta2 not below 0, got {self.mean} and {self.deviation}",
                setting="betas",
                value=(self.mean, self.deviation),
            )

    @property
    def name(self) -> str:
        """Both: `0.7,0.3`."""
        return f"{self.mean:g},{self.deviation:g}"


BETA_GRID: Final[tuple[Betas, ...]] = tuple(
    Betas(mean=(10 - tenths) / 10, deviation=tenths / 10) for tenths in (0, 1, 2, 3, 4, 5, 6)
)
"""The paper's betas, 0.7 and 0.3, and their neighbors; since only the ratio matters they are made to sum to 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CasScores:
    """What is kept of a fact's consistency-aware scores under one pair of betas.

    Attributes:
        betas: the pair.
        max_score: largest CAS of all neurons; at or below 0 nothing is selected.
        neurons: layer * d_ff + index, by falling CAS, equal ones by rising id.
        scores: their CAS.
    """

    betas: Betas
    max_score: float
    neurons: Int[np.ndarray, " entries"]
    scores: Float[np.ndarray, " entries"]

    def select(self, t: float = 0.3) -> Int[np.ndarray, " selected"]:
        """The neurons with CAS > t * max, rising; none where the largest is not positive.

        Raises:
            ConfigError: t at or below what is kept, or not below 1.
        """
        if not STORED_CAS_FRACTION < t < 1:
            raise ConfigError(
                f"t lies between {STORED_CAS_FRACTION} (what is kept) and 1, got {t}", setting="t", value=t
            )
        if self.max_score <= 0:
            return self.neurons[:0]
        return np.sort(self.neurons[self.scores > t * self.max_score])

    def top(self, n: int) -> Int[np.ndarray, " n"]:
        """The n neurons of largest CAS, rising: the variant that is matched in size to another set.

        Raises:
            ConfigError: fewer are kept.
        """
        if not 0 <= n <= len(self.neurons):
            raise ConfigError(f"{n} neurons were asked for, {len(self.neurons)} are kept", setting="n", value=n)
        return np.sort(self.neurons[:n])


@dataclass(slots=True, eq=False)
class AttributionMoments:
    """Mean and population standard deviation over the maps of a fact, one map after the other.

    Maps of a fact need not be in memory together: two arrays of a map's size stand for any number of them.

    Attributes:
        k: maps so far.
        mean: their mean.
    """

    k: int = 0
    mean: Float[np.ndarray, "layers d_ff"] | None = None
    _squares: Float[np.ndarray, "layers d_ff"] | None = field(default=None, repr=False)

    def add(self, scores: Float[np.ndarray, "layers d_ff"]) -> None:
        """Takes the map of one more query; Welford's update, which does not cancel where the mean is large."""
        self.k += 1
        if self.mean is None or self._squares is None:
            self.mean, self._squares = scores.astype(np.float64), np.zeros(scores.shape)
            return
        difference = scores - self.mean
        self.mean += difference / self.k
        self._squares += difference * (scores - self.mean)

    @property
    def deviation(self) -> Float[np.ndarray, "layers d_ff"]:
        """sqrt(1/k sum (score - mean)^2).

        Raises:
            ConfigError: there was no map.
        """
        if self._squares is None:
            raise ConfigError("a fact without queries has no consistency-aware score", setting="maps", value=0)
        return np.sqrt(self._squares / self.k)

    def scores(
        self, grid: Sequence[Betas] = BETA_GRID, *, least: int = 0, t: float = STORED_CAS_FRACTION
    ) -> tuple[CasScores, ...]:
        """What is kept under every pair of betas.

        Args:
            grid: pairs of betas.
            least: keep at least so many neurons, whatever they score, so that `top(n)` works up to n = least.
            t: keep every neuron above this fraction of the largest.
        """
        deviation = self.deviation
        assert self.mean is not None
        return tuple(
            _kept(betas, (betas.mean * self.mean - betas.deviation * deviation).ravel(), least, t) for betas in grid
        )


def consistency_aware_scores(
    maps: Iterable[Float[np.ndarray, "layers d_ff"]],
    grid: Sequence[Betas] = BETA_GRID,
    *,
    least: int = 0,
    normalised: bool = False,
) -> tuple[CasScores, ...]:
    """The consistency-aware scores of one fact, from the attribution maps of its k queries.

    Args:
        maps: one a query; taken one after the other.
        grid: pairs of betas.
        least: keep at least so many neurons: the size that a matched set will have, such as the mean of |N_i|.
        normalised: divide every map by its largest score first, so that no confident query outweighs the others. The
            paper does not; a map without a positive score counts as zeros then.

    Returns:
        What is kept under every pair of betas, in the grid's order.

    Raises:
        ConfigError: no map.

    References:
        Eq. 7 of the paper.
    """
    moments = AttributionMoments()
    for scores in maps:
        moments.add(_normalised(scores) if normalised else scores)
    return moments.scores(grid, least=least)


def _normalised(scores: Float[np.ndarray, "layers d_ff"]) -> Float[np.ndarray, "layers d_ff"]:
    largest = float(scores.max())
    return scores / largest if largest > 0 else np.zeros_like(scores)


def _kept(betas: Betas, scores: Float[np.ndarray, " neurons"], least: int, t: float) -> CasScores:
    largest = float(scores.max())
    n_kept = max(int((scores > t * largest).sum()) if largest > 0 else 0, min(least, scores.size))
    # argpartition puts no ties in order, so it only narrows down; a stable sort by falling score then decides them.
    floor = np.partition(scores, scores.size - n_kept)[scores.size - n_kept] if n_kept else np.inf
    candidates = np.flatnonzero(scores >= floor)
    order = candidates[np.argsort(-scores[candidates], kind="stable")][:n_kept]
    return CasScores(betas=betas, max_score=largest, neurons=order, scores=scores[order])
