"""The claim that inconsistent facts (K_II) are frequent."""

from dataclasses import dataclass, field

import numpy as np

from harness.claims.cut import Cut, cut_of, modes_record
from harness.claims.description import (
    by_relation,
    detectable,
    few_queries,
    known_share,
    paper_statistic,
    threshold_curve,
)
from harness.claims.evidence import Evidence
from harness.claims.gate import between
from harness.claims.procedure import Procedure, check_share
from harness.claims.scoring import FactScores
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold
from harness.statistics import ShareEstimate, share_at_or_below


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevalence:
    """K_II exists extensively: the share of inconsistent facts exceeds the margin.

    The estimand is the share of facts whose CS2 (Eq. 1), averaged over seeded subsets of four queries, is at or below
    the cut; over facts with so many queries. The paper scores all queries of a fact instead, which makes CS2
    depend on their number; its own statistic stands in the extras.

    Attributes:
        threshold: where CS2 is cut. One that is estimated from the values decides only if they have more than one mode.
        margin: share that the interval is compared with.
        procedure: what all claims share.
    """

    threshold: Threshold
    margin: float = 0.25
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Raises ConfigError if the margin is no share."""
        check_share("margin of prevalence", self.margin)

    @property
    def name(self) -> str:
        """`prevalence`."""
        return "prevalence"

    @property
    def statement(self) -> str:
        """The claim in one sentence."""
        return f"K_II exists extensively: more than {self.margin:.0%} of facts have a CS2 at or below the threshold"

    @property
    def marker(self) -> str:
        """`statistical`."""
        return "statistical"

    def decide(self, evidence: Evidence) -> Finding:
        """Controls first, then the interval against the margin.

        Raises:
            ConfigError: the evidence holds no retest, so low consistency cannot be told from a bad localizer.
        """
        gate = self.procedure.gate(evidence, self.name)
        scores = self.procedure.scores(evidence, self.name)
        cut = cut_of(scores, evidence, self.threshold, rng=self._rng("modes"))
        share = None if cut is None else self._share(scores, evidence, cut)
        extras = self._around(scores, evidence, share) | gate.as_record()
        extras |= between(gate, self.procedure.answer_floor(evidence)) | modes_record(cut)
        verdict, reason = gate.objection() or self.judged(share, cut, gate.ceiling)
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=share and share.estimate,
            ci_low=share and number(share.bootstrap.low),
            ci_high=share and number(share.bootstrap.high),
            margin=self.margin,
            p_value=share and share.studentized.p_above(self.margin),
            n_facts=len(scores.fact),
            n_queries=int(evidence.queries_of_fact[scores.fact].sum()),
            n_relations=share.n_clusters if share else 0,
            n_unscored=evidence.n_unscored,
            extras=extras,
        )

    def _rng(self, purpose: str) -> np.random.Generator:
        return self.procedure.generator(self.name, purpose)

    def _share(self, scores: FactScores, evidence: Evidence, cut: Cut) -> ShareEstimate:
        """The estimate; an estimated cut is held in the draws: where it decides, few facts lie where it could move."""
        return share_at_or_below(
            scores.cs2,
            evidence.relation_of_fact[scores.fact],
            cut.value,
            draws=self.procedure.draws,
            rng=self._rng("bootstrap"),
        )

    def judged(self, share: ShareEstimate | None, cut: Cut | None, ceiling: float | None) -> tuple[Verdict, str]:
        """The decision behind the controls: the interval against the margin.

        Args:
            share: of the facts at or below the cut; None if no fact has a score.
            cut: where CS2 is cut.
            ceiling: of the retest, which a cut must not reach; None where there is none.
        """
        if share is None or cut is None:
            return Verdict.NOT_APPLICABLE, (
                "No query has a knowledge neuron, so no consistency is defined. Lower the selection threshold, or look "
                "at why no attribution score is positive."
            )
        low, high = share.bootstrap.low, share.bootstrap.high
        found = (
            f"{share.estimate:.1%} of {share.n} facts have CS2 <= {share.cut:.3g} (95 % interval {low:.1%} to"
            f" {high:.1%} over {share.n_clusters} relations; margin {self.margin:.0%})."
        )
        smallest = detectable(share)
        missing = ""
        if smallest is not None:
            missing = f" The smallest difference from the margin that could have been seen is {smallest:.1%}."
        undecided = self.procedure.too_few(share.n_clusters) or cut.undecided()
        if undecided is not None:
            return Verdict.INCONCLUSIVE, f"{found} {undecided}{missing}"
        if low > self.margin:
            too_high = cut.above(ceiling)
            if too_high is not None:
                return Verdict.INCONCLUSIVE, f"{found} {too_high}"
            return Verdict.SUPPORTED, f"{found} The interval lies wholly above the margin."
        if high < self.margin:
            return Verdict.REFUTED, f"{found} The interval lies wholly below the margin."
        return Verdict.INCONCLUSIVE, f"{found} The interval holds the margin; more relations narrow it.{missing}"

    def _around(self, scores: FactScores, evidence: Evidence, share: ShareEstimate | None) -> dict[str, object]:
        """The numbers around the estimate; None for each that does not exist."""
        names = ("cut", "mean_cs1", "mean_cs2", "known", "t_interval", "degenerate_draws", "interval_method")
        around: dict[str, object] = {
            **dict.fromkeys((*names, "minimum_detectable", "by_relation", "curve")),
            "paper": paper_statistic(evidence, self.threshold),
            "fewer_than_four": few_queries(evidence, self.procedure.subset_size, share and share.cut),
            "empty_sets": int((evidence.sets.sizes == 0).sum()),
            "undefined_facts": scores.undefined,
        }
        if share is None:
            return around
        return around | {
            "cut": share.cut,
            "mean_cs1": float(scores.cs1.mean()),
            "mean_cs2": float(scores.cs2.mean()),
            "known": known_share(scores, evidence, share.cut, draws=self.procedure.draws, rng=self._rng("known")),
            "t_interval": [share.t.low, share.t.high] if share.t else None,
            "degenerate_draws": share.degenerate_draws,
            "interval_method": share.bootstrap.method,
            "minimum_detectable": detectable(share),
            "by_relation": by_relation(scores, evidence, share.cut),
            "curve": threshold_curve(scores, evidence, draws=self.procedure.draws, rng=self._rng("curve")),
        }
