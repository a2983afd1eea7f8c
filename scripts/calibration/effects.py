"""Effects of interventions on facts, whose true differences are known; relations differ, and so do facts, skewed.

Suppressed neurons of a GPT-2 trained on ParaRel had differences with a standard deviation of 0.6 within relations and
of 0.35 between them, and a long tail to the right.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

import numpy as np

from harness.claims import EffectClaim, Effects, Procedure, Verdict
from harness.claims.compared import compare
from harness.claims.conjunction import WORST_FIRST
from harness.claims.mapping import consistent_drop, effect, larger_drop, own_over_neighbors
from harness.consistency import NEIGHBOR_RULES, StaticThreshold
from harness.consistency.compared import OWN, own_beside
from scripts.calibration.case import RELATIONS, Case

MUCH, LITTLE = 0.35, 0.2
"""How far relations differ: a standard deviation as it was found, and a smaller one."""

WORLDS: Final = {
    "own and neighbor neurons do the same": (0.0, 0.0, MUCH),
    "own neurons do more by 0.05, the margin": (0.05, 0.05, MUCH),
    "own neurons do more by 0.3 in K_II, the same in K_I": (0.0, 0.3, LITTLE),
    "own neurons do more by 0.3 in both classes": (0.3, 0.3, LITTLE),
    "own neurons do more by 0.3 in K_II, the same in K_I, relations differ more": (0.0, 0.3, MUCH),
    "own neurons do more by 0.3 in both classes, relations differ more": (0.3, 0.3, MUCH),
}
"""True differences of delta log p in K_I and in K_II, and the standard deviation between relations."""

CLAIMS: Final[dict[str, Callable[..., EffectClaim]]] = {
    "own_over_neighbors": own_over_neighbors,
    "larger_drop": larger_drop,
    "consistent_drop": consistent_drop,
}
FACTS: Final = 20
WITHIN: Final = 0.6
COMMON: Final = 0.7
"""Share of the variance that a fact's or relation's differences from its neighbor sets, plain and behind a prefix, have
in common."""

EXISTS: Final = {"union": 1.0, "refine": 0.6, "intersection": 0.03}
"""Share of the facts that have a neighbor set as large as their own."""


def mapping_effects(
    truth: tuple[float, float, float], relations: int, facts: int, rng: np.random.Generator
) -> tuple[Effects, np.ndarray, np.ndarray]:
    """Effects of one of `WORLDS`, the relation of each fact, and 1 for each of K_I."""
    relation = np.repeat(np.arange(relations), facts)
    share = np.clip(0.5 + 0.15 * rng.standard_normal(relations), 0.1, 0.9)[relation]
    consistent = (rng.random(len(relation)) < share).astype(float)
    mean = np.where(consistent == 1, truth[0], truth[1])

    def spread(n: int) -> Iterator[np.ndarray]:
        """Skewed deviations of variance 1, again and again, that have much in common."""
        common = rng.standard_exponential(n) - 1
        while True:
            yield np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * (rng.standard_exponential(n) - 1)

    of_relations, of_facts = spread(relations), spread(len(relation))
    own = 1 + rng.standard_exponential(len(relation))
    values: dict[str, np.ndarray] = {}
    for held_out in (False, True):
        for rule in NEIGHBOR_RULES:
            moved = mean + truth[2] * next(of_relations)[relation] + WITHIN * next(of_facts)
            there = rng.random(len(relation)) < EXISTS[rule]
            values[effect("suppress", own_beside(rule), held_out=held_out)] = np.where(there, own, np.nan)
            values[effect("suppress", rule, held_out=held_out)] = np.where(there, own - moved, np.nan)
    values[effect("suppress", OWN)] = own
    return Effects(values=values), relation, consistent


def verdict_of(
    claim: EffectClaim, effects: Effects, relation: np.ndarray, consistent: np.ndarray, procedure: Procedure
) -> Verdict:
    """What the claim says behind its controls: the worst of the comparisons that decide."""
    compared = [
        compare(
            comparison,
            effects,
            relation,
            consistent,
            margin=claim.margin,
            procedure=procedure,
            generator=lambda purpose: procedure.generator(claim.name, purpose),
        )
        for comparison in claim.comparisons
        if comparison.decides
    ]
    return min((one.verdict for one in compared if one.decides), key=WORST_FIRST.index)


def effect_events(
    truth: tuple[float, float, float], relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """What every claim says."""
    effects, relation, consistent = mapping_effects(truth, relations, facts, rng)
    for name, make in CLAIMS.items():
        claim = make(threshold=StaticThreshold(), procedure=procedure)
        yield f"{name} {verdict_of(claim, effects, relation, consistent, procedure)}"


def effect_cases() -> Iterable[Case]:
    """Every world in every number of relations."""
    for relations in RELATIONS:
        for world, truth in WORLDS.items():
            yield Case(
                topic="effects",
                world=world,
                relations=relations,
                facts=FACTS,
                events=partial(effect_events, truth, relations, FACTS),
            )
