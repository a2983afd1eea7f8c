"""The claim that inconsistent facts (K_II) are most of the facts in most relations."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from harness.claims.cut import Cut, cut_of, modes_record
from harness.claims.description import by_relation
from harness.claims.evidence import Evidence
from harness.claims.procedure import Procedure, check_at_least, check_share
from harness.claims.scoring import FactScores
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold
from harness.statistics import Trials, binomial_trials, t_interval
from harness.statistics.bootstrap import UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class PrevalenceByRelation:
    """In most relations, most facts are inconsistent: what Figure 3 shows with a threshold of 0.3.

    The estimand is the share of relations in which more than half of the facts have a CS2 (Eq. 1), averaged over seeded
    subsets of four queries, at or below the cut. Relations are the trials, so the interval is exact; a relation counts
    by its facts as they are, and needs `fewest_facts` of them.

    Attributes:
        threshold: where CS2 is cut. One that is estimated from the values decides only if they have more than one mode.
        margin: share of relations that the interval is compared with.
        fewest_facts: scored facts that a relation needs to be counted.
        procedure: what all claims share; its bootstrap is not used, because the interval is exact.
    """

    threshold: Threshold
    margin: float = 0.5
    fewest_facts: int = 5
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Raises ConfigError at the first setting out of its range."""
        check_share("margin of prevalence_by_relation", self.margin)
        check_at_least("fewest_facts of prevalence_by_relation", self.fewest_facts, 1)

    @property
    def name(self) -> str:
        """`prevalence_by_relation`."""
        return "prevalence_by_relation"

    @property
    def statement(self) -> str:
        """The claim in one sentence."""
        return (
            f"K_II exists across relations: in more than {self.margin:.0%} of relations most facts have a CS2 at or"
            " below the threshold"
        )

    @property
    def marker(self) -> str:
        """`statistical`."""
        return "statistical"

    def decide(self, evidence: Evidence) -> Finding:
        """Controls first, then the interval against the margin.

        Raises:
            ConfigError: the evidence holds no retest.
        """
        gate = self.procedure.gate(evidence, self.name)
        scores = self.procedure.scores(evidence, self.name)
        cut = cut_of(scores, evidence, self.threshold, rng=self.procedure.generator(self.name, "modes"))
        shares = np.empty(0) if cut is None else self._shares(scores, evidence, cut.value)
        trials = binomial_trials(int((shares > 0.5).sum()), len(shares)) if len(shares) else None
        verdict, reason = gate.objection() or self.judged(trials, cut, gate.ceiling)
        t = t_interval(shares, bounds=UNIT)
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=trials and trials.share,
            ci_low=trials and number(trials.interval.low),
            ci_high=trials and number(trials.interval.high),
            margin=self.margin,
            p_value=trials and trials.p_above(self.margin),
            n_facts=len(scores.fact),
            n_queries=int(evidence.queries_of_fact[scores.fact].sum()),
            n_relations=len(shares),
            n_unscored=evidence.n_unscored,
            extras=gate.as_record()
            | {
                **modes_record(cut),
                "cut": cut and cut.value,
                "by_relation": cut and by_relation(scores, evidence, cut.value),
                "mean_share": float(shares.mean()) if len(shares) else None,
                "mean_share_interval": t and [t.low, t.high],
                "small_relations": len(np.unique(evidence.relation_of_fact[scores.fact])) - len(shares),
            },
        )

    def _shares(self, scores: FactScores, evidence: Evidence, cut: float) -> Float[np.ndarray, " relations"]:
        """Share at or below the cut of each relation with enough facts."""
        relation = evidence.relation_of_fact[scores.fact]
        n = np.bincount(relation, minlength=len(evidence.relation_names))
        below = np.bincount(relation, scores.cs2 <= cut, minlength=len(n))
        return below[n >= self.fewest_facts] / n[n >= self.fewest_facts]

    def judged(self, trials: Trials | None, cut: Cut | None, ceiling: float | None) -> tuple[Verdict, str]:
        """The decision behind the controls: the interval against the margin.

        Args:
            trials: relations, and in how many of them most facts lie at or below the cut; None if there is no relation.
            cut: where CS2 is cut.
            ceiling: of the retest, which a cut must not reach; None where there is none.
        """
        if trials is None or cut is None:
            return Verdict.NOT_APPLICABLE, (
                f"No relation has {self.fewest_facts} facts with a defined CS2. Give more facts, or lower the selection"
                " threshold where no query has a knowledge neuron."
            )
        low, high = trials.interval.low, trials.interval.high
        found = (
            f"In {trials.hits} of {trials.n} relations most facts have CS2 <= {cut.value:.3g} ({trials.share:.0%}, 95 %"
            f" interval {low:.0%} to {high:.0%}; margin {self.margin:.0%})."
        )
        undecided = self.procedure.too_few(trials.n) or cut.undecided()
        if undecided is not None:
            return Verdict.INCONCLUSIVE, f"{found} {undecided}"
        if low > self.margin:
            too_high = cut.above(ceiling)
            if too_high is not None:
                return Verdict.INCONCLUSIVE, f"{found} {too_high}"
            return Verdict.SUPPORTED, f"{found} The interval lies wholly above the margin."
        if high < self.margin:
            return Verdict.REFUTED, f"{found} The interval lies wholly below the margin."
        needed = trials.fewest_hits_above(self.margin)
        enough = f"{needed} of {trials.n} would have been" if needed is not None else "no number of so few would be"
        return Verdict.INCONCLUSIVE, f"{found} The interval holds the margin; {enough} enough to support the claim."
