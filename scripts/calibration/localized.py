"""Localizations of facts of one kind or of two: what Otsu's gate and the claim of two kinds say of them.

Fewer than 24 relations have 8 queries a fact; 24 and more have 4, and relations of unequal sizes. No rule was shaped on
these populations.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np

from harness.claims import Prevalence, Procedure, Separation
from harness.claims.cut import cut_of
from harness.claims.halves import split_halves
from harness.claims.held_out import measure_held_out
from harness.consistency import OtsuThreshold
from harness.statistics import share_at_or_below
from scripts.calibration import populations as known
from scripts.calibration.case import FACTS, RELATIONS, Case, held_against

OTSU: Final = OtsuThreshold()
WORLDS: Final = (known.skewed, known.heavy_tailed_relations, known.alike, known.two_clouds)
MANY_RELATIONS: Final = 1500


def shape(relations: int) -> dict[str, Any]:
    """Queries a fact, and whether relations are of one size."""
    return {"k": 8} if relations < 24 else {"k": 4, "uneven": True}


@lru_cache
def difference_of(rates: Callable[..., np.ndarray], queries: int) -> float:
    """The held-out difference of very many relations under their own Otsu cuts."""
    evidence = known.population(rates, relations=MANY_RELATIONS, facts=30, k=queries, seed=1)
    halves = split_halves(evidence, 20, rng=np.random.default_rng(1))
    relation = evidence.relation_of_fact[halves.fact]
    measured = measure_held_out(halves, relation, OTSU, draws=2, generator=lambda _: np.random.default_rng(1))
    if measured is None:
        raise AssertionError("a very large population has both classes")
    return measured.contrast.studentized.estimate


def localized_events(
    rates: Callable[..., np.ndarray], relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """Whether Otsu's cut is let to decide, and both verdicts under it; the interval of the difference."""
    evidence = known.population(
        rates, relations=relations, facts=facts, seed=int(rng.integers(2**31)), **shape(relations)
    )
    scores = procedure.scores(evidence, "prevalence")
    relation = evidence.relation_of_fact[scores.fact]
    cut = cut_of(scores, evidence, OTSU, rng=rng)
    if cut is not None:
        yield "Otsu decides" if cut.undecided() is None else "Otsu does not decide"
        share = share_at_or_below(scores.cs2, relation, cut.value, draws=procedure.draws, rng=rng)
        yield f"prevalence {Prevalence(threshold=OTSU, procedure=procedure).judged(share, cut, None)[0]}"
    claim = Separation(threshold=OTSU, procedure=procedure)
    halves = split_halves(evidence, claim.splits, rng=rng)
    of_halves = evidence.relation_of_fact[halves.fact]
    verdict, _, measured = claim.judged(halves, of_halves)
    yield f"separation {verdict}"
    if measured is not None:
        truth = difference_of(rates, shape(relations)["k"])
        seen = "two kinds" if claim.one_kind(measured, halves, of_halves) is None else "one kind"
        yield from held_against(f"difference on other queries, {seen} seen", measured.interval, truth)


def localized_cases() -> Iterable[Case]:
    """Every world in every size."""
    for relations in RELATIONS:
        for facts in FACTS:
            for rates in WORLDS:
                yield Case(
                    topic="localizations",
                    world=(rates.__doc__ or rates.__name__).rstrip("."),
                    relations=relations,
                    facts=facts,
                    events=partial(localized_events, rates, relations, facts),
                )
