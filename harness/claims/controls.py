"""Controls: what must hold before low consistency says anything about a model.

A localizer that returns garbage makes every fact look inconsistent. So it must agree with itself on one query (retest
ceiling), and queries of one fact must agree more than queries that were exchanged between facts (permutation floor).
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import scipy.special
from jaxtyping import Int

from harness.claims.evidence import Evidence, Retest
from harness.claims.verdict import Control
from harness.consistency import Groups, QuerySets, consistency_scores, query_subsets
from harness.statistics import exchange_within, has_other, p_at_least, replace_by_other

FLOOR_LEVEL: Final = 0.01
"""The observed consistency must exceed the exchanged one with a p of at most this: so rarely does noise pass."""

FLOOR_FACTS: Final = 2_000
"""Facts that the floor is estimated on; more would only sharpen a mean that is sharp already."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The permutation null: queries exchanged between facts of one relation and pattern.

    Attributes:
        observed: mean CS2 of the facts as they are, one subset each.
        mean: the same after exchange, averaged over exchanges; None if no set has a neuron.
        p: share of exchanges (and 1) with at least the observed mean.
        n_facts: facts it is estimated on.
    """

    observed: float | None
    mean: float | None
    p: float
    n_facts: int


def retest_ceiling(retest: Retest, bound: float) -> Control:
    """Mean CS2 (Eq. 1) of one query localized again and again, which must reach `bound`.

    Args:
        retest: originals and variants, one group a query.
        bound: the declared lowest ceiling.
    """
    scores = consistency_scores(retest.sets, retest.groups)
    value = float(scores.cs2[scores.defined].mean()) if scores.defined.any() else None
    return Control(
        name="retest ceiling",
        passed=value is not None and value >= bound,
        value=value,
        bound=bound,
        explanation="the localizer does not agree with itself on one query under changes that should not matter, "
        "so disagreement between queries says nothing about the model",
    )


def _once(measure: Callable[..., Floor | None]) -> Callable[..., Floor | None]:
    """Measures a floor once for the same evidence, arguments and state of the generator."""

    @functools.wraps(measure)
    def remembered(evidence: Evidence, size: int, permutations: int, *, rng: np.random.Generator) -> Floor | None:
        asked = (measure.__name__, size, permutations, repr(rng.bit_generator.state))
        if asked not in evidence.measured:
            evidence.measured[asked] = measure(evidence, size, permutations, rng=rng)
        return cast(Floor | None, evidence.measured[asked])

    return remembered


@_once
def permutation_floor(evidence: Evidence, size: int, permutations: int, *, rng: np.random.Generator) -> Floor | None:
    """Mean CS2 (Eq. 1) over facts after queries were exchanged between facts of the same relation and pattern.

    Neurons that belong to a relation or to the wording of a pattern survive the exchange; what the observed consistency
    has above it belongs to the fact.

    Args:
        evidence: the localizations.
        size: queries a subset; one subset a fact.
        permutations: exchanges.
        rng: draws facts, subsets and exchanges.

    Returns:
        the floor, or None if there are too few exchanges for any p below the level.
    """
    queries = _sampled_queries(evidence, size, rng)
    fact, sets = evidence.fact_of_query[queries], evidence.sets.take(queries)
    strata = _strata(evidence, queries)
    stratum_sizes = np.unique(strata, return_counts=True)[1]
    if float(scipy.special.gammaln(stratum_sizes + 1.0).sum()) < -np.log(FLOOR_LEVEL):
        return None
    plan = query_subsets(fact, size, 1, rng=rng)
    exchanges = (exchange_within(strata, rng=rng) for _ in range(permutations))
    return _floor(sets, plan.groups, exchanges, permutations)


@_once
def answer_floor(evidence: Evidence, size: int, permutations: int, *, rng: np.random.Generator) -> Floor | None:
    """Mean CS2 (Eq. 1) over facts after every query gave way to one of a fact with a different object.

    The query that takes its place is of the same relation and pattern. In some relations most facts share one object,
    so an exchange within the relation often puts the same answer back; what lies between the two floors belongs to the
    answer. Facts with a query that no fact with another object could replace are left out, of the observed mean too.

    Args:
        evidence: the localizations, with `object_of_fact`.
        size: queries a subset; one subset a fact.
        permutations: exchanges.
        rng: draws facts, subsets and exchanges.

    Returns:
        the floor, or None if objects are not known or no fact can be exchanged.
    """
    if evidence.object_of_fact is None:
        return None
    queries = _sampled_queries(evidence, size, rng)
    strata, answer = _strata(evidence, queries), evidence.object_of_fact[evidence.fact_of_query[queries]]
    fact = evidence.fact_of_query[queries]
    stuck = np.bincount(fact, ~has_other(strata, answer), evidence.n_facts) > 0
    queries = queries[~stuck[fact]]
    fact, sets = evidence.fact_of_query[queries], evidence.sets.take(queries)
    strata, answer = _strata(evidence, queries), evidence.object_of_fact[fact]
    # Without the facts that were left out, others may have lost the only fact that could replace them.
    if len(queries) == 0 or not has_other(strata, answer).all():
        return None
    plan = query_subsets(fact, size, 1, rng=rng)
    exchanges = (replace_by_other(strata, answer, rng=rng) for _ in range(permutations))
    return _floor(sets, plan.groups, exchanges, permutations)


def _strata(evidence: Evidence, queries: Int[np.ndarray, " queries"]) -> Int[np.ndarray, " queries"]:
    """Relation and pattern of each query, as one label."""
    n_patterns = int(evidence.pattern_of_query.max(initial=0)) + 1
    return evidence.relation_of_fact[evidence.fact_of_query[queries]] * n_patterns + evidence.pattern_of_query[queries]


def _floor(
    sets: QuerySets, groups: Groups, exchanges: Iterator[Int[np.ndarray, " queries"]], permutations: int
) -> Floor:
    """The observed mean CS2 of the groups, and that after each exchange."""

    def mean_cs2(chosen: Groups) -> float:
        scores = consistency_scores(sets, chosen)
        return float(scores.cs2[scores.defined].mean()) if scores.defined.any() else -1.0

    observed = mean_cs2(groups)
    if observed < 0:
        return Floor(observed=None, mean=None, p=1.0, n_facts=len(groups))
    null = np.fromiter(
        (mean_cs2(Groups(groups.offsets, places[groups.queries])) for places in exchanges), float, permutations
    )
    return Floor(observed=observed, mean=float(null.mean()), p=p_at_least(observed, null), n_facts=len(groups))


def above_floor(floor: Floor) -> Control:
    """The observed consistency must exceed the permutation floor with p <= `FLOOR_LEVEL`."""
    return Control(
        name="permutation floor",
        passed=floor.p <= FLOOR_LEVEL,
        value=floor.observed,
        bound=floor.mean,
        explanation="queries of one fact agree no more than queries exchanged between facts of the same relation and "
        "pattern, so what the localizer finds does not depend on the fact",
    )


def _sampled_queries(evidence: Evidence, size: int, rng: np.random.Generator) -> Int[np.ndarray, " queries"]:
    """All queries of at most `FLOOR_FACTS` facts that have enough of them."""
    enough = np.flatnonzero(evidence.queries_of_fact >= size)
    if len(enough) > FLOOR_FACTS:
        enough = rng.choice(enough, size=FLOOR_FACTS, replace=False)
    return np.flatnonzero(np.isin(evidence.fact_of_query, enough))
