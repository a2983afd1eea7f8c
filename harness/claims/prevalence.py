"""The claim that inconsistent facts (K_II) are frequent."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.claims.claim import keyed_generator
from harness.claims.controls import answer_floor
from harness.claims.description import (
    by_relation,
    detectable,
    few_queries,
    known_share,
    paper_statistic,
    threshold_curve,
)
from harness.claims.evidence import Evidence
from harness.claims.gate import between, measure_gate
from harness.claims.scoring import FactScores, subset_scores
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold
from harness.errors import ConfigError
from harness.statistics import ShareEstimate, one_mode_test, share_at_or_below

MODES_LEVEL: Final = 0.05
"""An estimated cut decides only if a test rejects one mode at this level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevalence:
    """K_II exists extensively: the share of inconsistent facts exceeds the margin.

    The estimand is the share of facts whose CS2 (Eq. 1), averaged over seeded subsets of `subset_size` queries, is at
    or below the cut; over facts with so many queries. The paper scores all queries of a fact instead, which makes CS2
    depend on their number; its own statistic stands in the extras.

    Attributes:
        threshold: where CS2 is cut. One that is estimated from the values decides only if they have more than one mode.
        margin: share that the interval is compared with.
        draws: bootstrap draws over relations.
        permutations: exchanges of queries for the permutation floor.
        seed: of everything random here.
        subset_size: queries a subset.
        subset_limit: at most so many subsets a fact.
        ceiling_bound: lowest retest ceiling that lets the claim speak.
        minimum_relations: with fewer the verdict is INCONCLUSIVE.
    """

    threshold: Threshold
    margin: float = 0.25
    draws: int = 10_000
    permutations: int = 200
    seed: int = 0
    subset_size: int = 4
    subset_limit: int = 16
    ceiling_bound: float = 0.3
    minimum_relations: int = 8

    def __post_init__(self) -> None:
        """Raises ConfigError at the first setting out of its range."""
        for setting in ("margin", "ceiling_bound"):
            value = getattr(self, setting)
            if not 0.0 < value < 1.0:
                raise ConfigError(
                    f"{setting} of prevalence was set to {value}; it is a share, strictly between 0 and 1",
                    setting=setting,
                    value=value,
                )
        lowest = {"draws": 100, "permutations": 99, "seed": 0, "subset_size": 2, "subset_limit": 1}
        for setting, least in (lowest | {"minimum_relations": 2}).items():
            value = getattr(self, setting)
            if value < least:
                raise ConfigError(
                    f"{setting} of prevalence was set to {value}; it must be at least {least}",
                    setting=setting,
                    value=value,
                )

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
        gate = measure_gate(
            evidence,
            claim=self.name,
            size=self.subset_size,
            permutations=self.permutations,
            ceiling_bound=self.ceiling_bound,
            rng=self._rng("floor"),
        )
        scores = subset_scores(evidence, self.subset_size, self.subset_limit, rng=self._rng("subsets"))
        share = self._share(scores, evidence)
        extras = self._around(scores, evidence, share) | gate.as_record()
        extras |= between(gate, answer_floor(evidence, self.subset_size, self.permutations, rng=self._rng("answers")))
        verdict, reason = gate.objection() or self._compared(share, extras)
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
        return keyed_generator(self.seed, self.name, purpose)

    def _share(self, scores: FactScores, evidence: Evidence) -> ShareEstimate | None:
        """The estimate; None if no fact has a score."""
        if len(scores.fact) == 0:
            return None
        return share_at_or_below(
            scores.cs2,
            evidence.relation_of_fact[scores.fact],
            self.threshold.cut(scores.cs2),
            draws=self.draws,
            rng=self._rng("bootstrap"),
            split=self.threshold.splits if self.threshold.adaptive else None,
        )

    def _compared(self, share: ShareEstimate | None, extras: dict[str, object]) -> tuple[Verdict, str]:
        """The interval against the margin."""
        if share is None:
            return Verdict.NOT_APPLICABLE, (
                "No query has a knowledge neuron, so no consistency is defined. Lower the selection threshold, or look "
                "at why no attribution score is positive."
            )
        low, high = share.bootstrap.low, share.bootstrap.high
        found = (
            f"{share.estimate:.1%} of {share.n} facts have CS2 <= {share.cut:.3g} (95 % interval {low:.1%} to"
            f" {high:.1%} over {share.n_clusters} relations; margin {self.margin:.0%})."
        )
        modes_p, smallest = extras["modes_p"], extras["minimum_detectable"]
        missing = ""
        if isinstance(smallest, float):
            missing = f" The smallest difference from the margin that could have been seen is {smallest:.1%}."
        if share.n_clusters < self.minimum_relations:
            few = f"Fewer than {self.minimum_relations} relations carry no verdict; give more relations."
            return Verdict.INCONCLUSIVE, f"{found} {few}{missing}"
        if isinstance(modes_p, float) and modes_p >= MODES_LEVEL:
            return Verdict.INCONCLUSIVE, (
                f"{found} CS2 shows one mode (p = {modes_p:.2g} for more than one), and {self.threshold.name} cuts any "
                f"distribution in two; a static threshold decides.{missing}"
            )
        ceiling = extras["ceiling"]
        if low > self.margin and isinstance(ceiling, float) and share.cut >= ceiling:
            return Verdict.INCONCLUSIVE, (
                f"{found} The cut lies above the retest ceiling of {ceiling:.3g}: a query compared with itself would "
                "count as inconsistent too. Take a lower threshold."
            )
        if low > self.margin:
            return Verdict.SUPPORTED, f"{found} The interval lies wholly above the margin."
        if high < self.margin:
            return Verdict.REFUTED, f"{found} The interval lies wholly below the margin."
        return Verdict.INCONCLUSIVE, f"{found} The interval holds the margin; more relations narrow it.{missing}"

    def _around(self, scores: FactScores, evidence: Evidence, share: ShareEstimate | None) -> dict[str, object]:
        """The numbers around the estimate; None for each that does not exist."""
        names = ("cut", "mean_cs1", "mean_cs2", "known", "t_interval", "degenerate_draws", "interval_method")
        around: dict[str, object] = {
            **dict.fromkeys((*names, "modes_p", "minimum_detectable", "by_relation", "curve")),
            "paper": paper_statistic(evidence, self.threshold),
            "fewer_than_four": few_queries(evidence, self.subset_size, share and share.cut),
            "empty_sets": int((evidence.sets.sizes == 0).sum()),
            "undefined_facts": scores.undefined,
        }
        if share is None:
            return around
        return around | {
            "cut": share.cut,
            "mean_cs1": float(scores.cs1.mean()),
            "mean_cs2": float(scores.cs2.mean()),
            "known": known_share(scores, evidence, share.cut, draws=self.draws, rng=self._rng("known")),
            "t_interval": [share.t.low, share.t.high] if share.t else None,
            "degenerate_draws": share.degenerate_draws,
            "interval_method": share.bootstrap.method,
            "modes_p": self._modes_p(scores, evidence),
            "minimum_detectable": detectable(share),
            "by_relation": by_relation(scores, evidence, share.cut),
            "curve": threshold_curve(scores, evidence, draws=self.draws, rng=self._rng("curve")),
        }

    def _modes_p(self, scores: FactScores, evidence: Evidence) -> float | None:
        """p of one mode against more, where the threshold is estimated and so needs two."""
        if not self.threshold.adaptive:
            return None
        relation = evidence.relation_of_fact[scores.fact]
        rng = self._rng("modes")
        return one_mode_test(scores.cs2, clusters=relation, resolution=scores.resolution, rng=rng).p_value
