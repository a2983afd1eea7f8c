"""The claim that localizers agree on which facts are inconsistent (K_II)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Bool, Int

from harness.claims.classes import FEWEST_FACTS, FEWEST_RELATIONS
from harness.claims.evidence import Evidence
from harness.claims.members import Members, bring_together
from harness.claims.procedure import Procedure, check_share
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold
from harness.statistics import RaterAgreement, StudentizedBootstrap, agreement, minimum_detectable

RELATED: Final = (
    "Localizers that read gradients of the same activations agree partly for that reason; agreement says that a class"
    " does not hang on the localizer, not that it is the fact's."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Localizers call the same facts inconsistent: kappa within relations exceeds the margin.

    The paper shows the share of facts that all localizers call K_II. That share is high wherever each of them calls
    many so; what tells agreement from frequency is kappa, and it is taken within relations, because localizers that
    know nothing of a fact but its relation agree too where relations differ.

    Attributes:
        threshold: where each localizer's CS2 is cut; one that is estimated is found for each localizer and held in the
            bootstrap. It needs no second mode here: whatever the cut, localizers may call the same facts low.
        margin: kappa that the interval is compared with.
        procedure: what all claims share.
    """

    threshold: Threshold
    margin: float = 0.4
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Raises ConfigError if the margin is no kappa that could be exceeded."""
        check_share("margin of agreement", self.margin)

    @property
    def name(self) -> str:
        """`agreement`."""
        return "agreement"

    @property
    def statement(self) -> str:
        """The claim in one sentence."""
        return f"Localizers agree on which facts are K_II: within relations their kappa exceeds {self.margin:g}"

    @property
    def marker(self) -> str:
        """`statistical`."""
        return "statistical"

    def decide_jointly(self, evidence: Mapping[str, Evidence]) -> Finding:
        """Controls of every localizer first, then both classes, then the interval of kappa against the margin.

        Args:
            evidence: of one model, by localizer.

        Raises:
            ConfigError: the evidence of a localizer holds no retest or no names of its facts.
        """
        if len(evidence) < 2:
            only = ", ".join(evidence) or "no localizer"
            reason = f"Agreement takes two localizers or more, and there is {only}. Give --localizer ig,sig,amig."
            return Finding(verdict=Verdict.NOT_APPLICABLE, reason=reason, margin=self.margin)
        members = bring_together(evidence, self.procedure, self.name)
        cuts = [self.threshold.cut(cs2) if members.n_facts else 0.0 for cs2 in members.cs2]
        calls = members.cs2 <= np.array(cuts)[:, None]
        verdict, reason, measured = self.judged(calls, members.relation)
        verdict, reason = members.objection() or (verdict, reason)
        kappa = measured and measured.within
        interval = kappa and kappa.interval()
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=kappa and number(kappa.estimate),
            ci_low=interval and number(interval.low),
            ci_high=interval and number(interval.high),
            margin=self.margin,
            p_value=kappa and kappa.p_above(self.margin),
            n_facts=members.n_facts,
            n_queries=members.n_queries,
            n_relations=members.n_relations,
            n_unscored=members.n_unscored,
            extras=members.as_record() | self._around(members, calls, cuts, measured),
        )

    def judged(
        self, calls: Bool[np.ndarray, "localizers facts"], relation: Int[np.ndarray, " facts"]
    ) -> tuple[Verdict, str, RaterAgreement | None]:
        """The decision behind the controls: whether both classes are there, then kappa.

        Args:
            calls: whether each localizer calls each fact inconsistent.
            relation: the relation of each fact.

        Returns:
            verdict, reason, and the numbers behind them if there are any.
        """
        if calls.shape[1] == 0:
            reason = "No fact has a score with every localizer. Give relations with more patterns, or fewer localizers."
            return Verdict.NOT_APPLICABLE, reason, None
        rng = self.procedure.generator(self.name, "bootstrap")
        measured = agreement(calls, relation, draws=self.procedure.draws, rng=rng)
        for word, called in (("inconsistent (K_II)", calls.any(axis=0)), ("consistent (K_I)", ~calls.all(axis=0))):
            facts, relations = int(called.sum()), len(np.unique(relation[called]))
            if facts < FEWEST_FACTS or relations < FEWEST_RELATIONS:
                return (
                    Verdict.NOT_APPLICABLE,
                    (
                        f"{facts} facts of {relations} relations are called {word} by some localizer; agreement on them"
                        f" takes {FEWEST_FACTS} facts of {FEWEST_RELATIONS} relations. Take another threshold."
                    ),
                    measured,
                )
        return (*self._compared(measured, len(np.unique(relation))), measured)

    def _compared(self, measured: RaterAgreement, relations: int) -> tuple[Verdict, str]:
        """The interval against the margin."""
        kappa = measured.within
        shown = f"All call {measured.unanimous:.1%} of facts K_II, by chance they would {measured.by_chance:.1%}"
        if kappa is None:
            reason = f"{shown}; no relation holds both classes, so kappa within relations does not exist."
            return Verdict.NOT_APPLICABLE, reason
        interval = kappa.interval()
        found = (
            f"{shown}; kappa within relations is {kappa.estimate:.2f} (95 % interval {interval.low:.2f} to"
            f" {interval.high:.2f} over {relations} relations; margin {self.margin:g})."
        )
        few = self.procedure.too_few(relations)
        if few is not None:
            return Verdict.INCONCLUSIVE, f"{found} {few}"
        if interval.low > self.margin:
            return Verdict.SUPPORTED, f"{found} The interval lies wholly above the margin."
        if interval.high < self.margin:
            return Verdict.REFUTED, f"{found} The interval lies wholly below the margin."
        smallest = minimum_detectable(kappa.se, kappa.n_clusters)
        missing = "" if smallest is None else f" The smallest difference that could have been seen is {smallest:.2f}."
        return Verdict.INCONCLUSIVE, f"{found} The interval holds the margin; more relations narrow it.{missing}"

    def _around(
        self,
        members: Members,
        calls: Bool[np.ndarray, "localizers facts"],
        cuts: list[float],
        measured: RaterAgreement | None,
    ) -> dict[str, object]:
        """The numbers around the estimate; None for each that does not exist."""
        if measured is None:
            return dict.fromkeys(("paper", "by_chance", "excess", "fleiss_kappa", "shares", "cuts"))
        shares = [float(row.mean()) for row in calls]
        return {
            "paper": {"unanimous_inconsistent": measured.unanimous},
            "by_chance": measured.by_chance,
            "excess": _with_interval(measured.excess),
            "fleiss_kappa": _with_interval(measured.fleiss),
            "shares": dict(zip(members.gates, shares, strict=True)),
            "cuts": dict(zip(members.gates, cuts, strict=True)),
            "note": RELATED,
        }


def _with_interval(bootstrap: StudentizedBootstrap | None) -> list[float | None] | None:
    """Estimate and both ends."""
    if bootstrap is None:
        return None
    interval = bootstrap.interval()
    return [number(bootstrap.estimate), number(interval.low), number(interval.high)]
