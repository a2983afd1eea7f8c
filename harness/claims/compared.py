"""A comparison with its numbers: estimated over facts, and decided by its interval."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float, Int

from harness.claims.classes import FEWEST_FACTS, FEWEST_RELATIONS
from harness.claims.comparison import Comparison, Facts
from harness.claims.effects import Effects
from harness.claims.procedure import Procedure
from harness.claims.verdict import Verdict, number
from harness.statistics import StudentizedBootstrap, cluster_bootstrap, cluster_contrast, minimum_detectable

TRIMMED: Final = 0.1
"""Share of facts that the trimmed mean leaves out at either end."""

MOST_EMPTY_DRAWS: Final = 0.05
"""With more bootstrap draws than this in which a class has no fact, the interval describes the luckier draws."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """A comparison with its numbers and what they say.

    Attributes:
        comparison: what was compared.
        margin: what the interval was held against.
        verdict: of this comparison alone.
        reason: why, numbers included.
        bootstrap: estimate and its distribution; None where there are too few facts.
        counted: the facts that count.
        values: the difference of each of them.
        n_relations: their relations.
    """

    comparison: Comparison
    margin: float
    verdict: Verdict
    reason: str
    bootstrap: StudentizedBootstrap | None
    counted: Bool[np.ndarray, " facts"]
    values: Float[np.ndarray, " counted"]
    n_relations: int

    @property
    def decides(self) -> bool:
        """Whether the claim hangs on it."""
        left_out = self.comparison.where_enough and self.verdict is Verdict.NOT_APPLICABLE
        return self.comparison.decides and not left_out

    @property
    def estimate(self) -> float | None:
        """The mean, or the difference of two means."""
        return None if self.bootstrap is None else number(self.bootstrap.estimate)

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The 95 % interval; None for an end that is not finite."""
        if self.bootstrap is None:
            return None, None
        interval = self.comparison.interval(self.bootstrap)
        return number(interval.low), number(interval.high)

    @property
    def p_value(self) -> float | None:
        """One-sided, against the margin."""
        return None if self.bootstrap is None else self.comparison.p_above(self.bootstrap, self.margin)

    def as_record(self) -> dict[str, object]:
        """Builtins only. Mean, median and trimmed mean are those of single facts."""
        low, high = self.ends
        some = len(self.values) > 0
        return {
            "label": self.comparison.label,
            "facts": str(self.comparison.facts),
            "decides": self.decides,
            "verdict": str(self.verdict),
            "estimate": self.estimate,
            "ci_low": low,
            "ci_high": high,
            "margin": self.margin,
            "p_value": self.p_value,
            "interval_method": None if self.bootstrap is None else self.comparison.interval(self.bootstrap).method,
            "n_facts": len(self.values),
            "n_relations": self.n_relations,
            "mean": number(self.values.mean()) if some else None,
            "median": number(np.median(self.values)) if some else None,
            "trimmed_mean": number(scipy.stats.trim_mean(self.values, TRIMMED)) if some else None,
        }


def compare(
    comparison: Comparison,
    effects: Effects,
    relation: Int[np.ndarray, " facts"],
    consistent: Float[np.ndarray, " facts"],
    *,
    margin: float,
    procedure: Procedure,
    generator: Callable[[str], np.random.Generator],
) -> Compared:
    """Estimates, and decides by the interval.

    Args:
        comparison: what is compared.
        effects: the measured numbers.
        relation: of each fact.
        consistent: 1 for K_I, 0 for K_II, nan for a fact without a class.
        margin: of the claim; the comparison's own goes before.
        procedure: draws and the fewest relations.
        generator: random numbers for a purpose.
    """
    own = margin if comparison.margin is None else comparison.margin
    absent = comparison.absent(effects)
    if absent is not None:
        return Compared(
            comparison=comparison,
            margin=own,
            verdict=Verdict.NOT_APPLICABLE,
            reason=f"{comparison.label}: {absent}",
            bootstrap=None,
            counted=np.zeros(len(relation), dtype=bool),
            values=np.empty(0),
            n_relations=0,
        )
    values = comparison.values(effects)
    counted, classes = _counted(comparison.facts, values, consistent)
    n_relations = len(np.unique(relation[counted]))
    few = _too_few(comparison, relation, classes)
    empty_draws, bootstrap = (
        (0.0, None) if few else _estimate(comparison, values, relation, classes, procedure, generator)
    )
    verdict, reason = (
        (Verdict.NOT_APPLICABLE, few)
        if few or bootstrap is None
        else _judged(comparison, bootstrap, own, empty_draws, int(counted.sum()), procedure.too_few(n_relations))
    )
    return Compared(
        comparison=comparison,
        margin=own,
        verdict=verdict,
        reason=reason or "",
        bootstrap=bootstrap,
        counted=counted,
        values=values[counted],
        n_relations=n_relations,
    )


def _counted(
    facts: Facts, values: Float[np.ndarray, " facts"], consistent: Float[np.ndarray, " facts"]
) -> tuple[Bool[np.ndarray, " facts"], tuple[tuple[str, Bool[np.ndarray, " facts"]], ...]]:
    """The facts that count, and the classes of which each needs enough."""
    there = np.isfinite(values)
    one, two = there & (consistent == 1), there & (consistent == 0)
    classes: dict[Facts, tuple[tuple[str, Bool[np.ndarray, " facts"]], ...]] = {
        Facts.ALL: (("measured", there),),
        Facts.CONSISTENT: (("consistent (K_I)", one),),
        Facts.INCONSISTENT: (("inconsistent (K_II)", two),),
        Facts.DIFFERENCE: (("inconsistent (K_II)", two), ("consistent (K_I)", one)),
    }
    chosen = classes[facts]
    return np.any([members for _, members in chosen], axis=0), chosen


def _too_few(
    comparison: Comparison,
    relation: Int[np.ndarray, " facts"],
    classes: tuple[tuple[str, Bool[np.ndarray, " facts"]], ...],
) -> str | None:
    """Why the classes do not carry the comparison; None if they do."""
    for name, members in classes:
        facts, relations = int(members.sum()), len(np.unique(relation[members]))
        if facts < FEWEST_FACTS or relations < FEWEST_RELATIONS:
            return (
                f"{comparison.label}: it takes {FEWEST_FACTS} {name} facts of {FEWEST_RELATIONS} relations with this"
                f" measurement, and there are {facts} of {relations}. Give more facts and relations, or another"
                " --threshold."
            )
    return None


def _estimate(
    comparison: Comparison,
    values: Float[np.ndarray, " facts"],
    relation: Int[np.ndarray, " facts"],
    classes: tuple[tuple[str, Bool[np.ndarray, " facts"]], ...],
    procedure: Procedure,
    generator: Callable[[str], np.random.Generator],
) -> tuple[float, StudentizedBootstrap]:
    """Share of draws without a class, and the bootstrap over relations."""
    counted = np.any([members for _, members in classes], axis=0)
    _, cluster = np.unique(relation[counted], return_inverse=True)
    n = int(cluster.max()) + 1
    sizes = np.array([np.bincount(cluster, members[counted], n) for _, members in classes])
    totals = np.array([np.bincount(cluster, np.where(members, values, 0.0)[counted], n) for _, members in classes])
    rng = generator("bootstrap")
    if len(classes) == 1:
        return 0.0, cluster_bootstrap(totals[0], sizes[0], draws=procedure.draws, rng=rng, bounds=comparison.bounds)
    low, high = comparison.bounds
    contrast = cluster_contrast(totals, sizes, draws=procedure.draws, rng=rng, bounds=(low - high, high - low))
    return contrast.empty_draws, contrast.studentized


def _judged(
    comparison: Comparison,
    bootstrap: StudentizedBootstrap,
    margin: float,
    empty_draws: float,
    facts: int,
    few: str | None,
) -> tuple[Verdict, str]:
    """The interval against the margin."""
    interval = comparison.interval(bootstrap)
    found = (
        f"{comparison.label}: {bootstrap.estimate:.3g} for {comparison.facts} (95 % interval {interval.low:.3g} to"
        f" {interval.high:.3g}; margin {margin:g}; {facts} facts)."
    )
    if few is not None:
        return Verdict.INCONCLUSIVE, f"{found} {few}"
    if empty_draws > MOST_EMPTY_DRAWS:
        return Verdict.INCONCLUSIVE, (
            f"{found} But {empty_draws:.0%} of the bootstrap draws hold no fact of one class: its facts come from too"
            " few relations."
        )
    if interval.low > margin:
        return Verdict.SUPPORTED, f"{found} The interval lies wholly above the margin."
    if interval.high < margin:
        return Verdict.REFUTED, f"{found} The interval lies wholly below the margin."
    smallest = minimum_detectable(bootstrap.se, bootstrap.n_clusters) if bootstrap.se > 0 else None
    seen = (
        ""
        if smallest is None
        else f" The smallest distance from the margin that could have been seen is {smallest:.3g}."
    )
    return Verdict.INCONCLUSIVE, f"{found} The interval holds the margin.{seen}"
