"""Consistency of each fact, as claims read it: on subsets of one size, and on all queries as the paper does."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from harness.claims.evidence import Evidence
from harness.consistency import Groups, consistency_scores, query_subsets

DECIMALS: Final = 12
"""Means are rounded to this: a fact whose subsets all score 0.1 then lies at a cut of 0.1, not a rounding above it."""


@dataclass(frozen=True, slots=True, eq=False)
class FactScores:
    """Mean consistency of the facts that have enough queries.

    Attributes:
        fact: the facts with a defined score, ascending.
        cs1: mean CS1 over the defined subsets of each.
        cs2: mean CS2 over the defined subsets of each.
        undefined: how many facts have enough queries but no neuron in any subset.
        resolution: 1 / the median size of a subset's union: the step in which CS2 moves; 0 if nothing is defined.
    """

    fact: Int[np.ndarray, " facts"]
    cs1: Float[np.ndarray, " facts"]
    cs2: Float[np.ndarray, " facts"]
    undefined: int
    resolution: float


def subset_scores(evidence: Evidence, size: int, limit: int, *, rng: np.random.Generator) -> FactScores:
    """Mean CS1 and CS2 (Eq. 1) over subsets of `size` queries of each fact that has so many.

    Args:
        evidence: the localizations.
        size: queries a subset.
        limit: at most so many subsets a fact.
        rng: draws them.
    """
    plan = query_subsets(evidence.fact_of_query, size, limit, rng=rng)
    scores = consistency_scores(evidence.sets, plan.groups)
    owner = plan.fact[scores.defined]
    n_defined = np.bincount(owner, minlength=evidence.n_facts)
    fact = np.flatnonzero(n_defined)
    cs1, cs2 = (
        np.round(
            np.bincount(owner, values[scores.defined], minlength=evidence.n_facts)[fact] / n_defined[fact], DECIMALS
        )
        for values in (scores.cs1, scores.cs2)
    )
    unions = scores.union_size[scores.defined]
    return FactScores(
        fact=fact,
        cs1=cs1,
        cs2=cs2,
        undefined=len(np.unique(plan.fact)) - len(fact),
        resolution=float(1 / np.median(unions)) if len(unions) else 0.0,
    )


def all_query_scores(
    evidence: Evidence, wanted: Bool[np.ndarray, " facts"]
) -> tuple[Int[np.ndarray, " scored"], Float[np.ndarray, " scored"]]:
    """CS2 of facts on all their queries, whatever their number.

    Returns:
        those of the wanted facts that have at least one neuron, and their CS2.
    """
    groups = Groups.by_label(evidence.fact_of_query)
    scores = consistency_scores(evidence.sets, groups)
    fact = np.flatnonzero(scores.defined & wanted[: len(groups)])
    return fact, np.round(scores.cs2[fact], DECIMALS)
