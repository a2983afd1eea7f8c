"""The cut between K_I and K_II, and what may speak against letting it decide."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.claims.evidence import Evidence
from harness.claims.scoring import FactScores
from harness.consistency import Threshold
from harness.statistics import kinds_test

MODES_LEVEL: Final = 0.02
"""An estimated cut decides only if a test rejects one mode at this level.

Not at 5 %: where most facts lie near 0, the test rejects one mode more often than its level says (see docs/claims.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where the CS2 of facts was cut.

    Attributes:
        value: facts at or below it are inconsistent.
        threshold: name of the threshold.
        modes_p: p of one mode of CS2 against more, where the cut was estimated; None where it was set beforehand.
    """

    value: float
    threshold: str
    modes_p: float | None

    def one_mode(self) -> str | None:
        """Why this cut decides nothing: it was estimated, and only one mode is seen; None if that is not so."""
        if self.modes_p is None or self.modes_p < MODES_LEVEL:
            return None
        return (
            f"CS2 shows one mode (p = {self.modes_p:.2g} for more than one), and {self.threshold} cuts any distribution"
            " in two; a static threshold decides."
        )

    def above(self, ceiling: float | None) -> str | None:
        """Why this cut supports nothing: a query compared with itself would fall below it; None if it would not."""
        if ceiling is None or self.value < ceiling:
            return None
        return (
            f"The cut lies above the retest ceiling of {ceiling:.3g}: a query compared with itself would count as"
            " inconsistent too. Take a lower threshold."
        )


def cut_of(scores: FactScores, evidence: Evidence, threshold: Threshold, *, rng: np.random.Generator) -> Cut | None:
    """The threshold's cut of these facts; None if no fact has a score.

    Args:
        scores: the facts.
        evidence: knows their relations.
        threshold: cuts them.
        rng: for the test of one mode, which only an estimated cut takes.
    """
    if len(scores.fact) == 0:
        return None
    modes_p = None
    if threshold.adaptive:
        relation = evidence.relation_of_fact[scores.fact]
        modes_p = kinds_test(scores.cs2, relation, rng=rng, resolution=scores.resolution).p_value
    return Cut(value=threshold.cut(scores.cs2), threshold=threshold.name, modes_p=modes_p)
