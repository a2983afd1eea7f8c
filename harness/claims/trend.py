"""The claim that inconsistent facts (K_II) are more frequent in larger models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from harness.claims.cut import Cut, cut_values
from harness.claims.evidence import Evidence, ModelSize
from harness.claims.gate import between
from harness.claims.members import Members, bring_together
from harness.claims.procedure import Procedure, check_share
from harness.claims.verdict import Finding, Verdict, number
from harness.consistency import Threshold
from harness.statistics import (
    Interval,
    StudentizedBootstrap,
    mean_slope,
    minimum_detectable,
    page_p,
    slope_weights,
    weighted_shares,
)

LEAST_RATIO: Final = 2.0
"""How many times as many parameters as the smallest model the largest must have."""

WHAT_TO_DO: Final = (
    "A trend takes three models, or two of one family, the largest with at least twice the parameters of the smallest,"
    " on the same facts: --model=gpt2 --model=gpt2-medium --model=gpt2-large."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """What rises or falls with size.

    Attributes:
        share: slope of the share of inconsistent facts over log10 parameters.
        cs2: slope of mean CS2.
    """

    share: StudentizedBootstrap
    cs2: StudentizedBootstrap


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The larger the model, the more extensively K_II exists: its share rises and CS2 falls, on the same facts.

    The estimand is the least-squares slope of the share of inconsistent facts over log10 of the number of parameters:
    the rise of the share a tenfold size. The paper claims that CS2 falls as well, so support takes both: the interval
    of the share's slope above the margin and that of mean CS2's slope below 0 (an intersection-union test, so neither
    is adjusted). Every relation is drawn whole, with its facts' scores in all models, so facts are compared with
    themselves.

    Attributes:
        threshold: where CS2 is cut in each model; one that is estimated is estimated in each model, and decides only
            where it parts two modes in every one.
        margin: rise of the share that the interval is compared with.
        procedure: what all claims share.
    """

    threshold: Threshold
    margin: float = 0.05
    procedure: Procedure = field(default_factory=Procedure)

    def __post_init__(self) -> None:
        """Raises ConfigError if the margin is no share."""
        check_share("margin of trend", self.margin)

    @property
    def name(self) -> str:
        """`trend`."""
        return "trend"

    @property
    def statement(self) -> str:
        """The claim in one sentence."""
        return (
            f"The larger the model, the more extensively K_II exists: a tenfold size raises its share by more than"
            f" {self.margin:.0%} of facts and lowers mean CS2"
        )

    @property
    def marker(self) -> str:
        """`statistical`."""
        return "statistical"

    def decide_jointly(self, evidence: Mapping[str, Evidence]) -> Finding:
        """Whether the models can be compared, then the controls of each, then both slopes.

        Args:
            evidence: under one localizer, by model.

        Raises:
            ConfigError: the evidence of a model holds no retest or no names of its facts.
        """
        sizes = {name: one.model for name, one in evidence.items() if one.model is not None}
        missing = self._incomparable(sizes) if len(sizes) == len(evidence) else f"A size is unknown. {WHAT_TO_DO}"
        if missing is not None:
            return Finding(verdict=Verdict.NOT_APPLICABLE, reason=missing, margin=self.margin)
        names = sorted(sizes, key=lambda name: sizes[name].parameters)
        parameters = np.array([sizes[name].parameters for name in names], dtype=np.float64)
        members = bring_together({name: evidence[name] for name in names}, self.procedure, self.name)
        verdict, reason, slopes = self.judged(members.cs2, members.relation, parameters, members)
        verdict, reason = members.objection() or (verdict, reason)
        interval = slopes and slopes.share.interval()
        return Finding(
            verdict=verdict,
            reason=reason,
            estimate=slopes and number(slopes.share.estimate),
            ci_low=interval and number(interval.low),
            ci_high=interval and number(interval.high),
            margin=self.margin,
            p_value=slopes and slopes.share.p_above(self.margin),
            n_facts=members.n_facts,
            n_queries=members.n_queries,
            n_relations=members.n_relations,
            n_unscored=members.n_unscored,
            extras=members.as_record() | self._around(members, parameters, slopes, [evidence[name] for name in names]),
        )

    def judged(
        self,
        cs2: Float[np.ndarray, "models facts"],
        relation: Int[np.ndarray, " facts"],
        parameters: Float[np.ndarray, " models"],
        members: Members | None = None,
    ) -> tuple[Verdict, str, Slopes | None]:
        """The decision behind the controls.

        Args:
            cs2: of each fact in each model.
            relation: the relation of each fact.
            parameters: of each model.
            members: knows resolution and ceilings, which an estimated or a high cut is held against.

        Returns:
            verdict, reason, and the slopes if there are any.
        """
        if cs2.shape[1] == 0:
            return Verdict.NOT_APPLICABLE, f"No fact has a score in every model. {WHAT_TO_DO}", None
        slopes = self._slopes(cs2, relation, parameters)
        rise, fall = slopes.share.interval(), slopes.cs2.interval()
        relations = len(np.unique(relation))
        found = (
            f"A tenfold size changes the share of K_II by {slopes.share.estimate:+.1%} (95 % interval {rise.low:+.1%}"
            f" to {rise.high:+.1%}; margin {self.margin:.0%}) and mean CS2 by {slopes.cs2.estimate:+.3f}"
            f" ({fall.low:+.3f} to {fall.high:+.3f}), over {relations} relations."
        )
        undecided = self.procedure.too_few(relations) or self._undecided(cs2, relation, members)
        if undecided is not None:
            return Verdict.INCONCLUSIVE, f"{found} {undecided}", slopes
        verdict, why = self._compared(slopes, rise, fall)
        too_high = self._too_high(cs2, members) if verdict is Verdict.SUPPORTED else None
        if too_high is not None:
            return Verdict.INCONCLUSIVE, f"{found} {too_high}", slopes
        return verdict, f"{found} {why}", slopes

    def _incomparable(self, sizes: Mapping[str, ModelSize]) -> str | None:
        """Why these models show no trend; None if they can."""
        if len(sizes) < 2:
            return f"There is one model. {WHAT_TO_DO}"
        parameters = [size.parameters for size in sizes.values()]
        shown = ", ".join(f"{name} ({size.parameters:,} parameters)" for name, size in sizes.items())
        if max(parameters) < LEAST_RATIO * min(parameters):
            return f"{shown} are too much of a size. {WHAT_TO_DO}"
        if len(sizes) == 2 and len({size.family for size in sizes.values()}) > 1:
            return f"{shown} are of two families, which differ in more than size. {WHAT_TO_DO}"
        return None

    def _slopes(
        self,
        cs2: Float[np.ndarray, "models facts"],
        relation: Int[np.ndarray, " facts"],
        parameters: Float[np.ndarray, " models"],
    ) -> Slopes:
        weights, draws = slope_weights(parameters), self.procedure.draws
        cuts = np.array([self.threshold.cut(row) for row in cs2])
        share = weighted_shares(
            cs2,
            relation,
            cuts,
            weights,
            draws=draws,
            rng=self._rng("share"),
        )
        return Slopes(share=share, cs2=mean_slope(cs2, relation, weights, draws=draws, rng=self._rng("cs2")))

    def _compared(self, slopes: Slopes, rise: Interval, fall: Interval) -> tuple[Verdict, str]:
        """Both intervals against what is claimed."""
        if rise.low > self.margin and fall.high < 0:
            return Verdict.SUPPORTED, "The share rises by more than the margin, and CS2 falls."
        if rise.high < self.margin:
            return Verdict.REFUTED, "The share does not rise by the margin."
        if fall.low > 0:
            return Verdict.REFUTED, "CS2 rises."
        smallest = minimum_detectable(slopes.share.se, slopes.share.n_clusters)
        missing = "" if smallest is None else f" The smallest difference that could have been seen is {smallest:.1%}."
        return (
            Verdict.INCONCLUSIVE,
            f"One of them is open; more relations, or models further apart, narrow it.{missing}",
        )

    def _undecided(
        self, cs2: Float[np.ndarray, "models facts"], relation: Int[np.ndarray, " facts"], members: Members | None
    ) -> str | None:
        """Why an estimated cut decides nothing in some model."""
        if not self.threshold.adaptive:
            return None
        resolution, rng = 0.0 if members is None else members.resolution, self._rng("modes")
        for row in cs2:
            cut = cut_values(row, relation, self.threshold, resolution=resolution, rng=rng)
            if cut.undecided() is not None:
                return cut.undecided()
        return None

    def _too_high(self, cs2: Float[np.ndarray, "models facts"], members: Members | None) -> str | None:
        """Why the cut supports nothing: in some model it lies above the ceiling."""
        for row, gate in zip(cs2, members.gates.values() if members else [], strict=False):
            cut = Cut(value=self.threshold.cut(row), threshold=self.threshold.name)
            objection = cut.above(gate.ceiling)
            if objection is not None:
                return objection
        return None

    def _around(
        self,
        members: Members,
        parameters: Float[np.ndarray, " models"],
        slopes: Slopes | None,
        evidence: list[Evidence],
    ) -> dict[str, object]:
        """The numbers around the estimate; None for each that does not exist."""
        if slopes is None:
            return {"models": None, "cs2_slope": None, "page_p_share": None, "page_p_cs2": None}
        _, relation = np.unique(members.relation, return_inverse=True)
        cuts = np.array([self.threshold.cut(row) for row in members.cs2])
        low = members.cs2 <= cuts[:, None]
        n = np.bincount(relation)
        shares, means = (np.array([np.bincount(relation, row) / n for row in rows]).T for rows in (low, members.cs2))
        fall = slopes.cs2.interval()
        models = {
            name: {
                "parameters": int(size),
                "share": float(row.mean()),
                "mean_cs2": float(cs2.mean()),
                "cut": float(cut),
                "above_floor": between(gate, None)["above_floor"],
                "neurons_per_query": number(one.sets.sizes.mean()) if len(one.sets) else None,
                "known_queries": number(one.known_query.mean()) if len(one.sets) else None,
            }
            for (name, gate), size, row, cs2, cut, one in zip(
                members.gates.items(), parameters, low, members.cs2, cuts, evidence, strict=True
            )
        }
        return {
            "models": models,
            "cs2_slope": [number(slopes.cs2.estimate), number(fall.low), number(fall.high)],
            "page_p_share": page_p(shares),
            "page_p_cs2": page_p(-means),
        }

    def _rng(self, purpose: str) -> np.random.Generator:
        return self.procedure.generator(self.name, purpose)
