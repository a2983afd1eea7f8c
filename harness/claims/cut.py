"""The cut between K_I and K_II, and what may speak against letting it decide."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from harness.claims.evidence import Evidence
from harness.claims.scoring import FactScores
from harness.consistency import Threshold
from harness.statistics import Kinds, kinds_test

MODES_LEVEL: Final = 0.02
"""An estimated cut decides only if a test rejects one mode at this level.

Not at 5 %: where most facts lie near 0, the test rejects one mode more often than its level says (see docs/claims.md).
"""


MOST_BETWEEN: Final = 0.2
"""An estimated cut decides only if few facts lie between it and the valley between the modes: this many for every fact
on the smaller side of the valley.

Where one kind is rare, a cut such as Otsu's falls into the heap of the other, where a small move of it takes many facts
along; few of all facts are many of the rare kind (see docs/calibration.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where the CS2 of facts was cut.

    Attributes:
        value: facts at or below it are inconsistent.
        threshold: name of the threshold.
        modes_p: p of one mode of CS2 against more, where the cut was estimated; None where it was set beforehand.
        valley: where CS2 is rarest between its modes; None where the cut was set beforehand, or there is one mode.
        between: share of facts between the cut and the valley; 0 where there is none.
        rarer: share of facts on the smaller side of the valley; 0 where there is none.
    """

    value: float
    threshold: str
    modes_p: float | None = None
    valley: float | None = None
    between: float = 0.0
    rarer: float = 0.0

    def undecided(self) -> str | None:
        """Why this cut decides nothing; None if it was set beforehand, or parts two modes where they part."""
        if self.modes_p is None:
            return None
        if self.modes_p >= MODES_LEVEL or self.valley is None:
            return (
                f"CS2 shows one mode (p = {self.modes_p:.2g} for more than one), and {self.threshold} cuts any"
                " distribution in two; a static threshold decides."
            )
        if self.between > MOST_BETWEEN * self.rarer:
            return (
                f"The cut does not part the modes of CS2: {self.between:.1%} of the facts lie between it and the valley"
                f" at {self.valley:.2g}, which parts off {self.rarer:.1%}. Take --threshold static:{self.valley:.2g}."
            )
        return None

    def above(self, ceiling: float | None) -> str | None:
        """Why this cut supports nothing: a query compared with itself would fall below it; None if it would not."""
        if ceiling is None or self.value < ceiling:
            return None
        return (
            f"The cut lies above the retest ceiling of {ceiling:.3g}: a query compared with itself would count as"
            " inconsistent too. Take a lower threshold."
        )


def modes_record(cut: Cut | None) -> dict[str, object]:
    """What was found of the modes, builtins only; None for each number where there is no cut."""
    return {
        "modes_p": cut and cut.modes_p,
        "valley": cut and cut.valley,
        "facts_off_valley": cut and cut.between,
        "facts_on_rarer_side": cut and cut.rarer,
    }


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
    relation = evidence.relation_of_fact[scores.fact]
    return cut_values(scores.cs2, relation, threshold, resolution=scores.resolution, rng=rng)


def cut_values(
    cs2: Float[np.ndarray, " facts"],
    relation: Int[np.ndarray, " facts"],
    threshold: Threshold,
    *,
    resolution: float,
    rng: np.random.Generator,
) -> Cut:
    """The threshold's cut of these values.

    Args:
        cs2: one value a fact, at least one.
        relation: the relation of each.
        threshold: cuts them.
        resolution: the step in which CS2 moves.
        rng: for the test of one mode, which only an estimated cut takes.
    """
    value = threshold.cut(cs2)
    if not threshold.adaptive:
        return Cut(value=value, threshold=threshold.name)
    return parted(cs2, value, threshold.name, kinds_test(cs2, relation, rng=rng, resolution=resolution))


def parted(cs2: Float[np.ndarray, " facts"], value: float, threshold: str, kinds: Kinds) -> Cut:
    """An estimated cut beside what the test of one mode found."""
    found = Cut(value=value, threshold=threshold, modes_p=kinds.p_value, valley=kinds.valley)
    if kinds.valley is None:
        return found
    below = float((cs2 <= kinds.valley).mean())
    return replace(found, between=abs(float((cs2 <= value).mean()) - below), rarer=min(below, 1 - below))
