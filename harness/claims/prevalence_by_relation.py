"""The claim that inconsistent facts (K_II) are most of the facts in most relations."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from harness.claims.claim import keyed_generator
from harness.claims.description import by_relation
from harness.claims.evidence import Evidence
from harness.claims.gate import Gate, measure_gate
from harness.claims.scoring import FactScores, subset_scores
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold
from harness.errors import ConfigError
from harness.statistics import Trials, binomial_trials, kinds_test, t_interval
from harness.statistics.bootstrap import UNIT

MODES_LEVEL: Final = 0.05
"""An estimated cut decides only if a test rejects one mode at this level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrevalenceByRelation:
    """In most relations, most facts are inconsistent: what Figure 3 shows with a threshold of 0.3.

    The estimand is the share of relations in which more than half of the facts have a CS2 (Eq. 1), averaged over seeded
    subsets of `subset_size` queries, at or below the cut. Relations are the trials, so the interval is exact; a
    relation counts by its facts as they are, and needs `fewest_facts` of them.

    Attributes:
        threshold: where CS2 is cut. One that is estimated from the values decides only if they have more than one mode.
        margin: share of relations that the interval is compared with.
        draws: of the bootstrap; not used, because the interval is exact.
        permutations: exchanges of queries for the permutation floor.
        seed: of everything random here.
        subset_size: queries a subset.
        subset_limit: at most so many subsets a fact.
        fewest_facts: scored facts that a relation needs to be counted.
        ceiling_bound: lowest retest ceiling that lets the claim speak.
        minimum_relations: with fewer the verdict is INCONCLUSIVE.
    """

    threshold: Threshold
    margin: float = 0.5
    draws: int = 10_000
    permutations: int = 200
    seed: int = 0
    subset_size: int = 4
    subset_limit: int = 16
    fewest_facts: int = 5
    ceiling_bound: float = 0.3
    minimum_relations: int = 8

    def __post_init__(self) -> None:
        """Raises ConfigError at the first setting out of its range."""
        for setting in ("margin", "ceiling_bound"):
            value = getattr(self, setting)
            if not 0.0 < value < 1.0:
                raise ConfigError(
                    f"{setting} of prevalence_by_relation was set to {value}; it is a share, strictly between 0 and 1",
                    setting=setting,
                    value=value,
                )
        lowest = {"permutations": 99, "seed": 0, "subset_size": 2, "subset_limit": 1, "fewest_facts": 1}
        for setting, least in (lowest | {"minimum_relations": 2}).items():
            value = getattr(self, setting)
            if value < least:
                raise ConfigError(
                    f"{setting} of prevalence_by_relation was set to {value}; it must be at least {least}",
                    setting=setting,
                    value=value,
                )

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
        gate = measure_gate(
            evidence,
            claim=self.name,
            size=self.subset_size,
            permutations=self.permutations,
            ceiling_bound=self.ceiling_bound,
            rng=self._rng("floor"),
        )
        scores = subset_scores(evidence, self.subset_size, self.subset_limit, rng=self._rng("subsets"))
        cut = self.threshold.cut(scores.cs2) if len(scores.fact) else None
        shares = np.empty(0) if cut is None else self._shares(scores, evidence, cut)
        trials = binomial_trials(int((shares > 0.5).sum()), len(shares)) if len(shares) else None
        modes_p = self._modes_p(scores, evidence)
        verdict, reason = gate.objection() or self._compared(trials, cut, gate, modes_p)
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
                "cut": cut,
                "modes_p": modes_p,
                "by_relation": None if cut is None else by_relation(scores, evidence, cut),
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

    def _compared(
        self, trials: Trials | None, cut: float | None, gate: Gate, modes_p: float | None
    ) -> tuple[Verdict, str]:
        """The interval against the margin."""
        if trials is None or cut is None:
            return Verdict.NOT_APPLICABLE, (
                f"No relation has {self.fewest_facts} facts with a defined CS2. Give more facts, or lower the selection"
                " threshold where no query has a knowledge neuron."
            )
        low, high = trials.interval.low, trials.interval.high
        found = (
            f"In {trials.hits} of {trials.n} relations most facts have CS2 <= {cut:.3g} ({trials.share:.0%}, 95 %"
            f" interval {low:.0%} to {high:.0%}; margin {self.margin:.0%})."
        )
        if trials.n < self.minimum_relations:
            few = f"Fewer than {self.minimum_relations} relations carry no verdict; give more relations."
            return Verdict.INCONCLUSIVE, f"{found} {few}"
        if modes_p is not None and modes_p >= MODES_LEVEL:
            return Verdict.INCONCLUSIVE, (
                f"{found} CS2 shows one mode (p = {modes_p:.2g} for more), and {self.threshold.name} cuts any"
                " distribution in two; a static threshold decides."
            )
        if low > self.margin and gate.ceiling is not None and cut >= gate.ceiling:
            return Verdict.INCONCLUSIVE, (
                f"{found} The cut lies above the retest ceiling of {gate.ceiling:.3g}: a query compared with itself"
                " would count as inconsistent too. Take a lower threshold."
            )
        if low > self.margin:
            return Verdict.SUPPORTED, f"{found} The interval lies wholly above the margin."
        if high < self.margin:
            return Verdict.REFUTED, f"{found} The interval lies wholly below the margin."
        needed = trials.fewest_hits_above(self.margin)
        enough = f"{needed} of {trials.n} would have been" if needed is not None else "no number of so few would be"
        return Verdict.INCONCLUSIVE, f"{found} The interval holds the margin; {enough} enough to support the claim."

    def _modes_p(self, scores: FactScores, evidence: Evidence) -> float | None:
        """p of one mode against more, where the threshold is estimated and so needs two."""
        if not self.threshold.adaptive or len(scores.fact) == 0:
            return None
        relation = evidence.relation_of_fact[scores.fact]
        return kinds_test(scores.cs2, relation, rng=self._rng("modes"), resolution=scores.resolution).p_value

    def _rng(self, purpose: str) -> np.random.Generator:
        return keyed_generator(self.seed, self.name, purpose)
