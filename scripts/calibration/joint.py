"""Several localizers on the same facts, and several models: calls and CS2 whose kappa or slope is known."""

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import Final

import numpy as np

from harness.claims import Agreement, Procedure, Trend
from harness.consistency import StaticThreshold
from harness.statistics import slope_weights
from scripts.calibration.case import FACTS, RELATIONS, Case, held_against

LOCALIZERS: Final = 3
INDEPENDENT: Final = None
ERRORS: Final = (INDEPENDENT, 0.168, 0.1, 0.06, 0.01)
"""Share of the facts on which each localizer errs; 0.168 gives a kappa of about 0.4, the margin."""

SIZES: Final = np.array([1.2e8, 7e8, 8e9])
SLOPES: Final = (0.0, 0.05, 0.1, 0.2)
VERY_MANY: Final = 400_000


def relations_of_calls(
    error: float | None, relations: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of K_II and share of errors of each relation, and the covariance of two localizers' calls in it."""
    share = rng.beta(2, 2, relations)
    errors = np.clip((error or 0.0) + 0.05 * rng.standard_normal(relations), 0.0, 0.5)
    shared = np.zeros(relations) if error is INDEPENDENT else (1 - 2 * errors) ** 2 * share * (1 - share)
    return share, errors, shared


@lru_cache
def kappa_of(error: float | None) -> float:
    """Kappa within relations of very many relations with very many facts."""
    share, errors, shared = relations_of_calls(error, VERY_MANY, np.random.default_rng(0))
    called = share * (1 - errors) + (1 - share) * errors
    return float(shared.mean() / (called * (1 - called)).mean())


def agreement_events(
    error: float | None, relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """The interval of kappa, and what the claim says."""
    share, errors, _ = relations_of_calls(error, relations, rng)
    relation = np.repeat(np.arange(relations), facts)
    kinds = rng.random((LOCALIZERS if error is INDEPENDENT else 1, len(relation))) < share[relation]
    calls = kinds ^ (rng.random((LOCALIZERS, len(relation))) < errors[relation])
    verdict, _, measured = Agreement(threshold=StaticThreshold(), procedure=procedure).judged(calls, relation)
    yield f"agreement {verdict}"
    if measured is not None and measured.within is not None:
        yield from held_against("kappa within relations", measured.within.interval(), kappa_of(error))


def shares_of_models(slope: float, relations: int, rng: np.random.Generator) -> np.ndarray:
    """Share of K_II of each model and relation, whose slopes differ by 0.08 around the given one."""
    x = np.log10(SIZES) - np.log10(SIZES).mean()
    base, slopes = rng.uniform(0.3, 0.6, relations), slope + 0.08 * rng.standard_normal(relations)
    return np.clip(base + x[:, None] * slopes, 0, 1)


@lru_cache
def slope_of(slope: float) -> float:
    """The slope of very many relations: the given one but for shares that are clipped."""
    return float(slope_weights(SIZES) @ shares_of_models(slope, VERY_MANY, np.random.default_rng(0)).mean(axis=1))


def trend_events(
    slope: float, relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """Both slopes' intervals and what the claim says."""
    relation = np.repeat(np.arange(relations), facts)
    share = shares_of_models(slope, relations, rng)[:, relation]
    # Facts are low in all models or in none, as far as the shares allow: the same fact is asked of all.
    low = (rng.random(len(relation)) < 0.5) * 0.5 + 0.5 * rng.random(share.shape) < share
    cs2 = np.where(low, 0.1 * rng.random(share.shape), 0.1 + 0.5 * rng.random(share.shape))
    verdict, _, slopes = Trend(threshold=StaticThreshold(0.1), procedure=procedure).judged(cs2, relation, SIZES)
    yield f"trend {verdict}"
    if slopes is not None:
        yield from held_against("slope of the share", slopes.share.interval(), slope_of(slope))
        # A fact's mean CS2 is 0.05 or 0.35.
        yield from held_against("slope of CS2", slopes.cs2.interval(), -0.3 * slope_of(slope))


def joint_cases() -> Iterable[Case]:
    """Every agreement and every slope, from 4 relations on."""
    for relations in (4, *RELATIONS):
        for facts in FACTS:
            for error in ERRORS:
                told = "know the relation alone" if error is INDEPENDENT else f"err on {error:.1%} of the facts"
                yield Case(
                    topic="agreement",
                    world=f"localizers {told}",
                    relations=relations,
                    facts=facts,
                    events=partial(agreement_events, error, relations, facts),
                )
            for slope in SLOPES:
                yield Case(
                    topic="trend",
                    world=f"slope {slope:g}",
                    relations=relations,
                    facts=facts,
                    events=partial(trend_events, slope, relations, facts),
                )
