"""The claim that consistent and inconsistent facts (K_I, K_II) are two kinds, not two ends of one."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Int

from harness.claims.classes import FEWEST_FACTS, FEWEST_RELATIONS, both_classes, how_to_get_both
from harness.claims.compared import MOST_EMPTY_DRAWS
from harness.claims.description import paper_statistic
from harness.claims.evidence import Evidence
from harness.claims.halves import FEWEST_QUERIES, Halves, split_halves
from harness.claims.held_out import HELD_OUT, HeldOut, measure_held_out
from harness.claims.procedure import Procedure, check_at_least, check_share
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold

MODES_LEVEL: Final = 0.05
"""Two kinds take a test that rejects one mode at this level; the difference on other queries guards them as well."""

CIRCULAR: Final = (
    "Welch's test is circular: it compares classes that were cut by the score it tests, so it is significant for any "
    "facts at all. It decides nothing."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """K_I and K_II are two kinds: they differ where they were not classified, and CS2 has a mode for each.

    A fact is classified by one half of its queries and measured by the other (`harness.claims.halves`), in both
    directions and over many splits. The estimand is the mean measured CS2 (Eq. 1, over pairs of queries) of the facts
    classified as K_I minus that of K_II. Facts that differ by degree alone have such a difference too, so two kinds
    also take two modes: one mode is rejected, and the threshold and enough facts lie between and around the modes.

    Attributes:
        threshold: where the CS2 of the classifying half is cut; one that is estimated is found anew in every half.
        margin: difference that the interval is compared with: half of the paper's static threshold.
        splits: how often queries are split into halves.
        procedure: what all claims share.
    """

    threshold: Threshold
    margin: float = 0.05
    splits: int = 20
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Raises ConfigError at the first setting out of its range."""
        check_share("margin of separation", self.margin)
        check_at_least("splits of separation", self.splits, 1)

    @property
    def name(self) -> str:
        """`separation`."""
        return "separation"

    @property
    def statement(self) -> str:
        """The claim in one sentence."""
        return (
            f"K_I and K_II are two kinds of facts: on queries that did not classify them their CS2 differs by more"
            f" than {self.margin:g}, and CS2 has a mode for each"
        )

    @property
    def marker(self) -> str:
        """`statistical`."""
        return "statistical"

    def decide(self, evidence: Evidence) -> Finding:
        """Controls first, then both classes, then the interval against the margin, then the modes.

        Raises:
            ConfigError: the evidence holds no retest.
        """
        gate = self.procedure.gate(evidence, self.name)
        halves = split_halves(evidence, self.splits, rng=self._rng("halves"))
        relation = evidence.relation_of_fact[halves.fact]
        verdict, reason, measured = self.judged(halves, relation)
        verdict, reason = gate.objection() or (verdict, reason)
        extras = gate.as_record() | self._around(evidence, halves, measured)
        interval = measured and measured.interval
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=measured and measured.contrast.studentized.estimate,
            ci_low=interval and number(interval.low),
            ci_high=interval and number(interval.high),
            margin=self.margin,
            p_value=measured and measured.contrast.studentized.p_above(self.margin),
            n_facts=len(halves.fact),
            n_queries=int(evidence.queries_of_fact[halves.fact].sum()),
            n_relations=len(np.unique(relation)),
            n_unscored=evidence.n_unscored,
            extras=extras,
        )

    def _compared(self, measured: HeldOut, halves: Halves, relation: Int[np.ndarray, " facts"]) -> tuple[Verdict, str]:
        """The interval against the margin, and then whether there are two kinds."""
        low, high = measured.interval.low, measured.interval.high
        found = measured.sentence(self.margin)
        few = self.procedure.too_few(len(np.unique(relation)))
        if few is not None:
            return Verdict.INCONCLUSIVE, f"{found} {few}"
        if measured.contrast.empty_draws > MOST_EMPTY_DRAWS:
            return Verdict.INCONCLUSIVE, (
                f"{found} But {measured.contrast.empty_draws:.0%} of the bootstrap draws hold no fact of one class: its"
                " facts come from too few relations."
            )
        if high < self.margin:
            return Verdict.REFUTED, f"{found} The interval lies wholly below the margin."
        if low <= self.margin:
            return Verdict.INCONCLUSIVE, (
                f"{found} The interval holds the margin; more relations narrow it.{measured.detectable_text()}"
            )
        objection = self.one_kind(measured, halves, relation)
        if objection is not None:
            return Verdict.INCONCLUSIVE, f"{found} {objection}"
        modes = " and ".join(f"{mode:.2g}" for mode in (measured.kinds.modes[0], measured.kinds.modes[-1]))
        return Verdict.SUPPORTED, (
            f"{found} The interval lies wholly above the margin, and CS2 has modes at {modes} (one mode: p ="
            f" {measured.kinds.p_value:.2g})."
        )

    def judged(self, halves: Halves, relation: Int[np.ndarray, " facts"]) -> tuple[Verdict, str, HeldOut | None]:
        """The decision behind the controls: whether both classes are there, then the comparison.

        Args:
            halves: scores by halves.
            relation: the relation of each of their facts.

        Returns:
            verdict, reason, and the numbers behind them if there are any.
        """
        if len(halves.fact) == 0:
            reason = (
                f"No fact has {FEWEST_QUERIES} scored queries with a knowledge neuron, so none can be classified on one"
                " half of them and measured on the other. Give relations with more patterns."
            )
            return Verdict.NOT_APPLICABLE, reason, None
        cut = self.threshold.cut(halves.score)
        if not both_classes(halves.score, relation, cut):
            return Verdict.NOT_APPLICABLE, how_to_get_both(halves.score, relation, cut), None
        measured = measure_held_out(halves, relation, self.threshold, draws=self.procedure.draws, generator=self._rng)
        if measured is None:
            reason = "No fact of one class has a neuron in the other half of its queries. Take another threshold."
            return Verdict.NOT_APPLICABLE, reason, None
        return (*self._compared(measured, halves, relation), measured)

    def one_kind(self, measured: HeldOut, halves: Halves, relation: Int[np.ndarray, " facts"]) -> str | None:
        """Why facts that differ may still be of one kind; None if there are two."""
        kinds, degree = measured.kinds, "facts differ by degree"
        if kinds.p_value >= MODES_LEVEL or kinds.valley is None:
            return (
                f"But CS2 shows one mode (p = {kinds.p_value:.2g} for more than one): {degree}, so far as can be seen."
            )
        if not both_classes(halves.score, relation, kinds.valley):
            return (
                f"But one of the modes of CS2, apart from the others at {kinds.valley:.2g}, holds fewer than"
                f" {FEWEST_FACTS} facts or {FEWEST_RELATIONS} relations: {degree}, but for a few."
            )
        if not kinds.modes[0] <= measured.cut < kinds.modes[-1]:
            return (
                f"But the cut of {measured.cut:.3g} does not lie between the modes of CS2 at {kinds.modes[0]:.2g} and"
                f" {kinds.modes[-1]:.2g}: it does not part the two kinds. Take a threshold near {kinds.valley:.2g}."
            )
        return None

    def _around(self, evidence: Evidence, halves: Halves, measured: HeldOut | None) -> dict[str, object]:
        """The numbers around the estimate; None for each that does not exist."""
        return {
            "paper": paper_statistic(evidence, self.threshold),
            "paper_note": CIRCULAR,
            "reliability": number(halves.reliability()),
            "splits": self.splits,
            **(measured.as_record() if measured is not None else dict.fromkeys(HELD_OUT)),
        }

    def _rng(self, purpose: str) -> np.random.Generator:
        return self.procedure.generator(self.name, purpose)
