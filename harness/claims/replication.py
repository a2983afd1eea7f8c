"""Whether the paper's printed numbers come out again."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from harness.claims.description import paper_statistic
from harness.claims.evidence import Evidence
from harness.claims.procedure import Procedure, check_share
from harness.claims.scoring import all_query_scores
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold
from harness.statistics import Interval, ShareEstimate, StudentizedBootstrap, cluster_bootstrap, share_at_or_below
from harness.statistics.bootstrap import UNIT

EQUIVALENCE_LEVEL: Final = 0.9
"""Level of the interval that must lie within the margin: two one-sided tests at 5 %."""

WORDS: Final = {
    Verdict.SUPPORTED: "replicates",
    Verdict.REFUTED: "differs",
    Verdict.INCONCLUSIVE: "inconclusive",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A cell of Table 1 as the paper printed it.

    Attributes:
        r_inconsistent: share of K_II (R:II).
        s_consistent: mean CS2 of K_I (S:I).
        s_inconsistent: mean CS2 of K_II (S:II).
        cut: the threshold (Table 4).
    """

    r_inconsistent: float
    s_consistent: float
    s_inconsistent: float
    cut: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """The paper's share of inconsistent facts is the model's, to within the margin.

    Compared is what the paper computes: CS2 (Eq. 1) over all queries of every fact, whatever their number. The printed
    number is taken as it stands; what the paper's own facts were drawn from is not known.

    Attributes:
        threshold: where CS2 is cut.
        printed: the paper's numbers for this model, localizer and threshold.
        obstacle: why these facts are not the paper's, with what to do; None if they are.
        margin: difference of shares that counts as none.
        procedure: what all claims share.
    """

    threshold: Threshold
    printed: Printed
    obstacle: str | None = None
    margin: float = 0.05
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Raises ConfigError if the margin is no share."""
        check_share("margin of replication", self.margin)

    @property
    def name(self) -> str:
        """`replication`."""
        return "replication"

    @property
    def statement(self) -> str:
        """The claim in one sentence."""
        return f"The share of K_II is the one that the paper prints, to within {self.margin:g}"

    @property
    def marker(self) -> str:
        """`statistical`."""
        return "statistical"

    def decide(self, evidence: Evidence) -> Finding:
        """Replicates if the 90 % interval lies within the margin of the printed share, differs if 95 % lie outside.

        Raises:
            ConfigError: the evidence holds no retest.
        """
        gate = self.procedure.gate(evidence, self.name)
        fact, cs2 = all_query_scores(evidence, evidence.queries_of_fact >= 2)
        relation = evidence.relation_of_fact[fact]
        share = self._share(cs2, relation) if len(fact) else None
        verdict, reason = gate.objection() or self._compared(share)
        if self.obstacle is not None:
            verdict, reason = Verdict.NOT_APPLICABLE, self.obstacle
        beside = None if share is None else self._beside(cs2, relation, share.cut)
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=share and share.estimate,
            ci_low=share and number(share.bootstrap.low),
            ci_high=share and number(share.bootstrap.high),
            margin=self.margin,
            n_facts=len(fact),
            n_queries=int(evidence.queries_of_fact[fact].sum()),
            n_relations=share.n_clusters if share else 0,
            n_unscored=evidence.n_unscored,
            paper_value=self.printed.r_inconsistent,
            extras=gate.as_record()
            | {
                "replication": WORDS.get(verdict),
                "paper": paper_statistic(evidence, self.threshold),
                "cut": share and share.cut,
                "printed_cut": self.printed.cut,
                "equivalence_interval": share and _ends(share.studentized.interval(EQUIVALENCE_LEVEL)),
                "beside": beside,
            },
        )

    def _share(self, cs2: Float[np.ndarray, " facts"], relation: Int[np.ndarray, " facts"]) -> ShareEstimate:
        return share_at_or_below(
            cs2,
            relation,
            self.threshold.cut(cs2),
            draws=self.procedure.draws,
            rng=self._rng("share"),
            split=self.threshold.splits if self.threshold.adaptive else None,
        )

    def _compared(self, share: ShareEstimate | None) -> tuple[Verdict, str]:
        """The intervals against the printed share."""
        if share is None:
            return Verdict.NOT_APPLICABLE, "No query has a knowledge neuron, so there is no share to compare."
        printed, wide = self.printed.r_inconsistent, share.bootstrap
        found = (
            f"{share.estimate:.1%} of {share.n} facts are K_II (95 % interval {wide.low:.1%} to {wide.high:.1%} over"
            f" {share.n_clusters} relations); the paper prints {printed:.0%}, margin {self.margin:g}."
        )
        few = self.procedure.too_few(share.n_clusters)
        if few is not None:
            return Verdict.INCONCLUSIVE, f"{found} {few}"
        verdict = compared_with(printed, self.margin, share.studentized)
        return verdict, f"{found} {_SAID[verdict]}"

    def _beside(
        self, cs2: Float[np.ndarray, " facts"], relation: Int[np.ndarray, " facts"], cut: float
    ) -> dict[str, object]:
        """Mean CS2 of both classes against the printed means; the cut is held."""
        rows: dict[str, object] = {}
        for name, chosen in (("s_consistent", cs2 > cut), ("s_inconsistent", cs2 <= cut)):
            if not chosen.any():
                rows[name] = None
                continue
            _, cluster = np.unique(relation[chosen], return_inverse=True)
            totals, sizes = np.bincount(cluster, cs2[chosen]), np.bincount(cluster).astype(np.float64)
            mean = cluster_bootstrap(totals, sizes, draws=self.procedure.draws, rng=self._rng(name), bounds=UNIT)
            printed = float(getattr(self.printed, name))
            rows[name] = {
                "printed": printed,
                "estimate": mean.estimate,
                "interval": _ends(mean.interval()),
                "replication": WORDS[compared_with(printed, self.margin, mean)],
            }
        return rows

    def _rng(self, purpose: str) -> np.random.Generator:
        return self.procedure.generator(self.name, purpose)


_SAID: Final = {
    Verdict.SUPPORTED: "Replicates: the 90 % interval lies within the margin of it.",
    Verdict.REFUTED: "Differs: the 95 % interval lies wholly beyond the margin of it.",
    Verdict.INCONCLUSIVE: "Inconclusive: the interval reaches from within the margin to beyond it.",
}


def compared_with(printed: float, margin: float, found: StudentizedBootstrap) -> Verdict:
    """Two one-sided tests through the 90 % interval, and the other way round through the 95 % one.

    Args:
        printed: what the paper prints.
        margin: difference that counts as none.
        found: the estimate.
    """
    narrow, wide = found.interval(EQUIVALENCE_LEVEL), found.interval()
    if printed - margin <= narrow.low and narrow.high <= printed + margin:
        return Verdict.SUPPORTED
    if wide.high < printed - margin or wide.low > printed + margin:
        return Verdict.REFUTED
    return Verdict.INCONCLUSIVE


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]
