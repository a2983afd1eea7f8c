"""A claim that is a list of comparisons of measured effects; it holds only if all of them come out."""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from harness.claims.compared import Compared, compare
from harness.claims.comparison import Comparison
from harness.claims.conjunction import WORST_FIRST
from harness.claims.effects import Effects
from harness.claims.evidence import Evidence
from harness.claims.procedure import Procedure
from harness.claims.verdict import Finding, Verdict
from harness.consistency import Threshold
from harness.errors import ConfigError

_SHARED = "effects"
"""Keys the random numbers of classes and controls, so that all claims on a cell see the same classes."""


def classes_of(
    evidence: Evidence, threshold: Threshold, procedure: Procedure
) -> tuple[Float[np.ndarray, " facts"], float | None]:
    """Which facts are consistent, as every claim about effects takes it.

    Args:
        evidence: the localizations.
        threshold: where CS2 is cut.
        procedure: how CS2 is measured.

    Returns:
        1 for K_I, 0 for K_II, nan for a fact with too few queries; and the cut, None where no fact has a score.
    """
    scores = procedure.scores(evidence, _SHARED)
    consistent = np.full(evidence.n_facts, np.nan)
    if len(scores.fact) == 0:
        return consistent, None
    cut = threshold.cut(scores.cs2)
    consistent[scores.fact] = scores.cs2 > cut
    return consistent, float(cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectClaim:
    """A statement about what interventions or edits do to facts.

    An intersection-union test: every comparison that decides is tested at its own level, none is adjusted, and the
    worst of them gives the verdict and the numbers of the row.

    Attributes:
        name: as it is named in `--margin` and in records.
        says: the claim in one sentence, without its margin.
        marker: the family of claims, which is also the pytest marker.
        reads: the measurement that it takes: `mapping`, `attention` or `editing`.
        comparisons: what has to come out; at least one that decides whatever there are facts for.
        threshold: where CS2 is cut into K_I and K_II.
        margin: of the comparisons that have none of their own.
        procedure: what all claims share.
    """

    name: str
    says: str
    marker: str
    reads: str
    comparisons: tuple[Comparison, ...]
    threshold: Threshold
    margin: float = 0.0
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Raises ConfigError if nothing decides, or the margin is no number."""
        if not any(comparison.decides and not comparison.where_enough for comparison in self.comparisons):
            raise ConfigError(
                f"{self.name} has no comparison that always decides", setting="comparisons", value=self.comparisons
            )
        if not math.isfinite(self.margin):
            raise ConfigError(
                f"margin of {self.name} was set to {self.margin}; it must be a finite number",
                setting=f"margin of {self.name}",
                value=self.margin,
            )

    @property
    def statement(self) -> str:
        """The claim in one sentence, its margin included."""
        return f"{self.says} (margin {self.margin:g})"

    def decide_measured(self, evidence: Evidence, effects: Effects) -> Finding:
        """The localizer's controls, the measurement's controls, then every comparison; the worst decides.

        Args:
            evidence: the localizations, which tell K_I from K_II.
            effects: what was measured on the same facts, in the same order.

        Raises:
            ConfigError: the evidence holds no retest, or the effects are of other facts.
        """
        gate = self.procedure.gate(evidence, _SHARED)
        stop = gate.objection() or effects.objection()
        consistent, cut = classes_of(evidence, self.threshold, self.procedure)
        compared = () if stop is not None else self._compared(evidence, effects, consistent)
        worst = min((one for one in compared if one.decides), key=_badness, default=None)
        verdict, reason = stop or _worst(worst, compared)
        low, high = (None, None) if worst is None else worst.ends
        return Finding(
            verdict=verdict,
            reason=reason if effects.remark is None else f"{reason} {effects.remark}",
            estimate=worst and worst.estimate,
            ci_low=low,
            ci_high=high,
            margin=self.margin if worst is None else worst.margin,
            p_value=_largest_p(compared),
            n_facts=0 if worst is None else len(worst.values),
            n_queries=0 if worst is None else int(evidence.queries_of_fact[worst.counted].sum()),
            n_relations=0 if worst is None else worst.n_relations,
            n_unscored=evidence.n_unscored,
            extras={
                **gate.as_record(),
                **effects.as_record(),
                "cut": cut,
                "n_consistent": int((consistent == 1).sum()),
                "n_inconsistent": int((consistent == 0).sum()),
                "comparisons": [one.as_record() for one in compared],
            },
        )

    def _compared(
        self, evidence: Evidence, effects: Effects, consistent: Float[np.ndarray, " facts"]
    ) -> tuple[Compared, ...]:
        return tuple(
            compare(
                comparison,
                effects,
                evidence.relation_of_fact,
                consistent,
                margin=self.margin,
                procedure=self.procedure,
                generator=lambda purpose: self.procedure.generator(self.name, purpose),
            )
            for comparison in self.comparisons
        )


def _badness(one: Compared) -> tuple[int, float]:
    low = one.ends[0]
    return WORST_FIRST.index(one.verdict), -math.inf if low is None else low - one.margin


def _worst(worst: Compared | None, compared: tuple[Compared, ...]) -> tuple[Verdict, str]:
    """The verdict of the worst comparison, and how many others there are."""
    assert worst is not None
    deciding = [one for one in compared if one.decides]
    if len(deciding) == 1:
        return worst.verdict, worst.reason
    counts = {word: sum(one.verdict is word for one in deciding) for word in WORST_FIRST}
    shown = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    return worst.verdict, f"Of {len(deciding)} comparisons {shown}; the worst: {worst.reason}"


def _largest_p(compared: tuple[Compared, ...]) -> float | None:
    """p of "one of them does not hold": the largest; None where one has none."""
    p_values = [one.p_value for one in compared if one.decides]
    return None if not p_values or None in p_values else max(p for p in p_values if p is not None)
