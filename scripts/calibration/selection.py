"""What scaling synapses does to answers, with true differences that are known; relations differ, and facts, skewed.

In a GPT-2 trained on ParaRel the difference between S and S_ir varied between relations by 0.8 to 0.9 of its mean, and
twice as much between facts of a relation as between relations; S against S_ir and against random synapses came out
alike (correlation 0.9).
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

import numpy as np

from harness.claims import ATTENTION_CLAIMS, Effects, Procedure
from harness.consistency import StaticThreshold
from scripts.calibration.case import RELATIONS, Case
from scripts.calibration.effects import verdict_of

WORLDS: Final = {
    "synapses of a query do as others do": (0.0, 0.0),
    "synapses of a query do more by 0.1, the margin": (0.1, 0.1),
    "synapses of a query do more by 0.3, in K_II as in K_I": (0.3, 0.3),
    "synapses of a query do more by 0.3 in K_I and by 0.4 in K_II: the margin apart": (0.3, 0.4),
    "synapses of a query do more by 0.3 in K_I and by 0.6 in K_II": (0.3, 0.6),
}
"""True differences of delta log p in K_I and in K_II."""

FACTS: Final = 20
BETWEEN, WITHIN = 0.25, 0.5
BOTH: Final = 0.9
"""Correlation of S less S_ir and S less random synapses."""
SHARED: Final = 0.7
"""Share of a relation's deviation that its two classes have in common."""

CLAIMS: Final = ("selection_answer_suppress", "reliance_answer_suppress")


def selection_effects(
    truth: tuple[float, float], relations: int, facts: int, rng: np.random.Generator
) -> tuple[Effects, np.ndarray, np.ndarray]:
    """Effects of one of `WORLDS`, the relation of each fact, and 1 for each of K_I."""
    relation = np.repeat(np.arange(relations), facts)
    share = np.clip(0.5 + 0.15 * rng.standard_normal(relations), 0.1, 0.9)[relation]
    consistent = rng.random(len(relation)) < share
    of_class = np.where(consistent, truth[0], truth[1])

    def skewed(*shape: int) -> np.ndarray:
        return rng.standard_exponential(shape) - 1

    shared, own = skewed(relations), skewed(2, relations)
    deviation = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
    common = of_class + BETWEEN * deviation[consistent.astype(int), relation]
    against = [
        common + WITHIN * (np.sqrt(BOTH) * fact + np.sqrt(1 - BOTH) * skewed(len(relation)))
        for fact in (skewed(len(relation)),)
        for _ in range(2)
    ]
    other = 0.05 * rng.standard_normal(len(relation))
    # S and S_ir differ by the one, S and random synapses by the other; what S_ir does is next to nothing.
    values = {
        "log_p_suppress_self": other + against[0],
        "log_p_suppress_irrelevant": other,
        "log_p_suppress_random": other + against[0] - against[1],
    }
    return Effects(values=values), relation, consistent.astype(float)


def selection_events(
    truth: tuple[float, float], relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """What both claims say."""
    effects, relation, consistent = selection_effects(truth, relations, facts, rng)
    for name in CLAIMS:
        claim = ATTENTION_CLAIMS[name](threshold=StaticThreshold(), procedure=procedure)
        yield f"{name} {verdict_of(claim, effects, relation, consistent, procedure)}"


def selection_cases() -> Iterable[Case]:
    """Every world in every number of relations."""
    for relations in RELATIONS:
        for world, truth in WORLDS.items():
            yield Case(
                topic="selection",
                world=world,
                relations=relations,
                facts=FACTS,
                events=partial(selection_events, truth, relations, FACTS),
            )
