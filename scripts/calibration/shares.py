"""Shares of facts: one model and localizer, relations that differ as much as an intraclass correlation says."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final

import numpy as np
import scipy.stats

from harness.claims import Prevalence, PrevalenceByRelation, Procedure, Verdict, in_every_cell
from harness.claims.cut import MOST_BETWEEN, Cut, parted
from harness.claims.description import CURVE_CUTS
from harness.claims.replication import compared_with
from harness.consistency import OtsuThreshold, StaticThreshold
from harness.records import ClaimRow
from harness.statistics import Interval, binomial_trials, kinds_test, share_at_or_below, share_curve
from scripts.calibration.case import ABOVE, BELOW, COVERS, FACTS, RELATIONS, Case, held_against

SHARES: Final = (0.05, 0.25, 0.5, 0.7, 0.9)
CORRELATIONS: Final = (0.05, 0.2, 0.6)
CUT: Final = StaticThreshold(0.1)
HELD: Final = Cut(value=CUT.value, threshold=CUT.name)
OTSU: Final = OtsuThreshold()
ROUNDING: Final = 1e-12
RARE: Final = 0.1
TESTED: Final = 200


def cs2_of(low: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """CS2 of facts in hundredths: K_II under a cut of 0.1 (even from 0 to 0.1) or not (a heap from 0.12 to 0.89)."""
    consistent = 12 + np.floor(78 * rng.beta(5, 5, len(low)))
    return np.where(low, rng.integers(0, 11, len(low)), consistent) / 100


def half_at_or_below(cuts: np.ndarray) -> np.ndarray:
    """The share of very many facts at or below each cut, half of them K_II."""
    hundredths = np.round(100 * cuts)
    return (np.clip(hundredths + 1, 0, 11) / 11 + scipy.stats.beta.cdf((hundredths - 11) / 78, 5, 5)) / 2


def ends(share: float, correlation: float) -> tuple[float, float]:
    """The beta distribution of relations' shares with this mean and intraclass correlation."""
    return share * (1 / correlation - 1), (1 - share) * (1 / correlation - 1)


def low_facts(
    share: float, correlation: float, relations: int, facts: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Which facts are K_II, and the relation of each."""
    relation = np.repeat(np.arange(relations), facts)
    of_relation = rng.beta(*ends(share, correlation), relations)
    return rng.random(len(relation)) < of_relation[relation], relation


def decides(cs2: np.ndarray, relation: np.ndarray, share: float, rng: np.random.Generator) -> bool:
    """Whether a claim would let Otsu's cut decide.

    The test of one mode takes longer than all the rest. There are two modes in these populations, so it is made only
    where one of them is so rare that a sample may not show it.
    """
    draws = TESTED if share < RARE else 1
    cut = parted(cs2, OTSU.cut(cs2), OTSU.name, kinds_test(cs2, relation, rng=rng, resolution=0.01, draws=draws))
    return (replace(cut, modes_p=0.0) if draws == 1 else cut).undecided() is None


@lru_cache
def share_at_otsu(share: float) -> float:
    """The share of very many facts at or below their own Otsu cut; of K_II where that cut does not part the modes.

    Where it does not, a sample whose cut does is one of the gap between K_I and K_II.
    """
    rng = np.random.default_rng(0)
    cs2 = cs2_of(rng.random(400_000) < share, rng)
    below = float((cs2 <= OTSU.cut(cs2)).mean())
    return below if abs(below - share) <= MOST_BETWEEN * min(share, 1 - share) else share


@lru_cache
def relations_with_most(share: float, correlation: float, facts: int) -> float:
    """The share of very many relations in which more than half of the facts are K_II."""
    return float(scipy.stats.betabinom.sf(facts // 2, facts, *ends(share, correlation)))


@lru_cache
def over_relations(hits: int, relations: int) -> tuple[Interval, Verdict]:
    """Interval and verdict of so many relations in which most facts are K_II; nothing in it is drawn."""
    trials = binomial_trials(hits, relations)
    return trials.interval, PrevalenceByRelation(threshold=CUT).judged(trials, HELD, None)[0]


def share_events(
    share: float, correlation: float, relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """Intervals of the share under both thresholds and of the share of relations, and what both claims say."""
    low, relation = low_facts(share, correlation, relations, facts, rng)
    cs2 = cs2_of(low, rng)
    held = share_at_or_below(cs2, relation, CUT.value, draws=procedure.draws, rng=rng)
    yield from held_against("bootstrap-t", held.bootstrap, share)
    if held.t is not None:
        yield from held_against("t on relation means", held.t, share)
    if decides(cs2, relation, share, rng):
        found = share_at_or_below(cs2, relation, OTSU.cut(cs2), draws=procedure.draws, rng=rng)
        yield from held_against("bootstrap-t, Otsu", found.bootstrap, share_at_otsu(share))
    yield f"prevalence {Prevalence(threshold=CUT, procedure=procedure).judged(held, HELD, None)[0]}"
    most = int((np.bincount(relation, low) > facts / 2).sum())
    interval, by_relation = over_relations(most, relations)
    yield from held_against("Clopper-Pearson over relations", interval, relations_with_most(share, correlation, facts))
    yield f"prevalence_by_relation {by_relation}"


def curve_events(
    correlation: float, relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """Whether the band holds the whole true curve of a population that is half K_II."""
    low, relation = low_facts(0.5, correlation, relations, facts, rng)
    curve = share_curve(cs2_of(low, rng), relation, CURVE_CUTS, draws=procedure.draws, rng=rng)
    truth = half_at_or_below(CURVE_CUTS)
    over, under = (curve.low > truth + ROUNDING).any(), (curve.high < truth - ROUNDING).any()
    yield f"band of the curve {ABOVE if over else BELOW if under else COVERS}"


def replication_events(
    off: float, relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """What is said of a printed share that is off the truth by so much."""
    relation = np.repeat(np.arange(relations), facts)
    of_relation = np.clip(0.5 + 0.03 * rng.standard_normal(relations), 0, 1)
    cs2 = cs2_of(rng.random(len(relation)) < of_relation[relation], rng)
    share = share_at_or_below(cs2, relation, CUT.value, draws=procedure.draws, rng=rng)
    yield f"replication {compared_with(0.5 + off, 0.05, share.studentized)}"


def conjunction_events(
    share: float, relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """What prevalence says in every one of three cells, whose localizers each err on a tenth of the same facts."""
    low, relation = low_facts((share - 0.1) / 0.8, 0.1, relations, facts, rng)
    claim, rows = Prevalence(threshold=CUT, procedure=procedure), list[ClaimRow]()
    for cell in ("a", "b", "c"):
        cs2 = cs2_of(low ^ (rng.random(len(low)) < 0.1), rng)
        found = share_at_or_below(cs2, relation, CUT.value, draws=procedure.draws, rng=rng)
        verdict, reason = claim.judged(found, HELD, None)
        rows.append(
            ClaimRow(
                claim=claim.name,
                statement=claim.statement,
                marker=claim.marker,
                model="simulated",
                localizer=cell,
                threshold=CUT.name,
                verdict=verdict.value,
                reason=reason,
                estimate=found.estimate,
                ci_low=found.bootstrap.low,
                ci_high=found.bootstrap.high,
                margin=claim.margin,
                p_value=found.studentized.p_above(claim.margin),
                n_facts=len(cs2),
                n_relations=relations,
            )
        )
    yield f"prevalence_everywhere {in_every_cell(rows).verdict}"


def share_cases() -> Iterable[Case]:
    """Every share under every correlation, from 4 relations on."""
    for share in SHARES:
        for correlation in CORRELATIONS:
            for relations in (4, *RELATIONS):
                for facts in FACTS:
                    yield Case(
                        topic="shares",
                        world=f"share {share:g}, correlation {correlation:g}",
                        relations=relations,
                        facts=facts,
                        events=partial(share_events, share, correlation, relations, facts),
                    )


def other_cases() -> Iterable[Case]:
    """The curve, replication and the conjunction."""
    for relations in (4, *RELATIONS):
        for facts in FACTS:
            for correlation in (CORRELATIONS[0], CORRELATIONS[-1]):
                yield Case(
                    topic="curve",
                    world=f"half of the facts, correlation {correlation:g}",
                    relations=relations,
                    facts=facts,
                    events=partial(curve_events, correlation, relations, facts),
                )
    for relations in RELATIONS:
        for facts in (30, 700):
            for off in (0.0, 0.05):
                yield Case(
                    topic="replication",
                    world=f"the printed share is off by {off:g}",
                    relations=relations,
                    facts=facts,
                    events=partial(replication_events, off, relations, facts),
                )
        for facts in FACTS:
            for share in (0.25, 0.5):
                yield Case(
                    topic="conjunction",
                    world=f"share {share:g} in each of three cells",
                    relations=relations,
                    facts=facts,
                    events=partial(conjunction_events, share, relations, facts),
                )
