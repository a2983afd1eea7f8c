"""From scores to knowledge neurons: a neuron is one if its score exceeds t times the map's largest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from harness.errors import ConfigError

STORED_FRACTION = 0.05
"""Neurons above this fraction of the maximum are stored, so any selection above it needs no model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredNeurons:
    """The part of an attribution map that is kept.

    Attributes:
        max_score: the largest score of the whole map.
        neurons: layer * d_ff + index of every neuron above `STORED_FRACTION` of it, rising.
        scores: their scores.
    """

    max_score: float
    neurons: Int[np.ndarray, " entries"]
    scores: Float[np.ndarray, " entries"]


def keep_largest(scores: Float[np.ndarray, "layers d_ff"]) -> ScoredNeurons:
    """What is stored of a map, in float32; no neuron at all where the maximum is not positive."""
    flat = scores.astype(np.float32).ravel()
    largest = flat.max()
    kept = np.flatnonzero(flat > np.float32(STORED_FRACTION) * largest) if largest > 0 else np.empty(0, np.int64)
    return ScoredNeurons(max_score=float(largest), neurons=kept, scores=flat[kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Knowledge neurons are those with score > t * max over the whole [layer, neuron] map; a maximum of 0 or below
    selects none.

    Attributes:
        t: the fraction; 0.2 for every localizer, as in Dai et al.'s code.

    Raises:
        ConfigError: t at or below what is stored, or not below 1.
    """

    t: float = 0.2

    def __post_init__(self) -> None:
        """Checks the range of t."""
        if not STORED_FRACTION < self.t < 1:
            raise ConfigError(
                f"t lies between {STORED_FRACTION} (what is stored) and 1, got {self.t}", setting="t", value=self.t
            )

    def select(
        self, neurons: Int[np.ndarray, " entries"], scores: Float[np.ndarray, " entries"], max_score: float
    ) -> Int[np.ndarray, " selected"]:
        """The stored neurons that are knowledge neurons, in stored order."""
        return neurons[self.chosen(scores, np.float32(max_score))]

    def chosen(
        self, scores: Float[np.ndarray, " entries"], max_scores: Float[np.ndarray, " #entries"] | np.float32
    ) -> Bool[np.ndarray, " entries"]:
        """Which of the stored neurons are knowledge neurons.

        Args:
            scores: of stored neurons of one map or of many, float32.
            max_scores: the largest score of the map that each comes from, float32; nan where there is no map.
        """
        return (scores > np.float32(self.t) * max_scores) & (max_scores > 0)
