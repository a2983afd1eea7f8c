"""A claim of one's own: knowledge is kept by few neurons."""

from dataclasses import dataclass

import numpy as np

from harness.claims import Evidence, Finding, Verdict
from harness.statistics import t_interval


@dataclass(frozen=True, kw_only=True)
class FewNeurons:
    """On average over relations, a query has fewer knowledge neurons than the margin.

    Attributes:
        margin: neurons a query.
    """

    margin: float = 50.0

    @property
    def name(self) -> str:
        """What `--margin` and the tables call it."""
        return "few_neurons"

    @property
    def statement(self) -> str:
        """The claim in one sentence."""
        return f"a query has fewer than {self.margin:g} knowledge neurons"

    @property
    def marker(self) -> str:
        """The family of claims in which it is listed."""
        return "statistical"

    def decide(self, evidence: Evidence) -> Finding:
        """Holds the 95 % interval of the mean, relations as clusters, against the margin."""
        relation = evidence.relation_of_fact[evidence.fact_of_query]
        present = np.unique(relation)
        means = np.array([evidence.sets.sizes[relation == one].mean() for one in present])
        interval = t_interval(means, bounds=(0.0, np.inf))
        if interval is None:
            reason = f"{len(present)} relation(s) show no spread; ask for facts of more relations"
            return Finding(verdict=Verdict.NOT_APPLICABLE, reason=reason, margin=self.margin)
        verdict = (
            Verdict.SUPPORTED
            if interval.high < self.margin
            else Verdict.REFUTED
            if interval.low > self.margin
            else Verdict.INCONCLUSIVE
        )
        return Finding(
            verdict=verdict,
            reason=f"{means.mean():.1f} neurons a query, 95 % interval {interval.low:.1f} to {interval.high:.1f}, over"
            f" {len(present)} relations",
            estimate=float(means.mean()),
            ci_low=interval.low,
            ci_high=interval.high,
            margin=self.margin,
            n_facts=len(np.unique(evidence.fact_of_query)),
            n_queries=len(relation),
            n_relations=len(present),
            n_unscored=evidence.n_unscored,
        )
