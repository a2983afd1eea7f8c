"""Scores of edits whose true differences are known: counts of queries that came out as asked; relations differ."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

import numpy as np

from harness.claims import Effects, Procedure
from harness.claims.cas import cas_average
from harness.claims.edits import CAS, LOCAL, MATCHED, of_betas, quantity, turned
from harness.claims.held_out_betas import HeldOutBetas
from harness.claims.modification import local_edits
from harness.consistency import StaticThreshold
from harness.consistency.cas import BETA_GRID, Betas
from scripts.calibration.case import RELATIONS, Case
from scripts.calibration.effects import verdict_of

WORLDS: Final = {
    "N_i generalizes alike in both classes, CAS as N_i": (0.0, 0.0),
    "N_i generalizes worse in K_II by 0.05, the margin, CAS as N_i": (0.05, 0.0),
    "N_i generalizes worse in K_II by 0.2, CAS better than N_i there by 0.1": (0.2, 0.1),
}
"""By how much N_i generalizes worse in K_II than in K_I, and CAS better than N_i in K_II."""

KIND: Final = "update"
FACTS: Final = 20
HITS: Final = 0.6
"""How many of the other queries of a fact of K_I an edit of N_i reaches."""

BETWEEN: Final = 0.1
"""How far relations differ in it: a standard deviation."""

QUERIES, OTHERS = 5, 10
"""Queries of a fact that generalization is drawn from, and facts that locality is."""


def edited_effects(
    truth: tuple[float, float], relations: int, facts: int, rng: np.random.Generator
) -> tuple[Effects, np.ndarray, np.ndarray]:
    """Scores in one of `WORLDS`, the relation of each fact, and 1 for each of K_I."""
    relation = np.repeat(np.arange(relations), facts)
    share = np.clip(0.5 + 0.15 * rng.standard_normal(relations), 0.1, 0.9)[relation]
    consistent = (rng.random(len(relation)) < share).astype(float)
    # Even within relations and between them, so that nothing is cut off and means are what they are said to be.
    reach = (
        HITS + np.sqrt(3) * BETWEEN * rng.uniform(-1, 1, relations)[relation] + rng.uniform(-0.1, 0.1, len(relation))
    )
    values: dict[str, np.ndarray] = {}
    for editor in (LOCAL, CAS, MATCHED):
        gain = 0.0 if editor == LOCAL else truth[1]
        chance = reach - (1 - consistent) * (truth[0] - gain)
        generalization = rng.binomial(QUERIES, chance) / QUERIES
        reliability, locality = rng.binomial(1, chance), rng.binomial(OTHERS, 0.8, len(relation)) / OTHERS
        values[quantity(editor, KIND, "gen")] = generalization
        values[quantity(editor, KIND, "avg")] = (reliability + generalization + locality) / 3
    values |= edited_under_grid(truth, reach, consistent, rng)
    values |= {turned(name): -value for name, value in values.items()}
    return Effects(values=values), relation, consistent


def edited_under_grid(
    truth: tuple[float, float], reach: np.ndarray, consistent: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Scores of CAS under every pair of betas.

    The paper's pair is as much better than N_i as `truth` says, and so is what lies beyond it; the pairs before it come
    in between. Pairs err independently, which flatters most whoever chooses among them on the facts that are judged.
    """
    values: dict[str, np.ndarray] = {}
    for betas in BETA_GRID:
        gain = truth[1] * min(1.0, betas.deviation / Betas().deviation)
        chance = reach - (1 - consistent) * (truth[0] - gain)
        scores = {
            "rel": rng.binomial(1, chance),
            "gen": rng.binomial(QUERIES, chance) / QUERIES,
            "loc": rng.binomial(OTHERS, 0.8, len(reach)) / OTHERS,
        }
        scores["avg"] = sum(scores.values()) / 3
        values |= {quantity(of_betas(betas), KIND, metric): found for metric, found in scores.items()}
    return values


def edit_events(
    truth: tuple[float, float], relations: int, facts: int, rng: np.random.Generator, procedure: Procedure
) -> Iterator[str]:
    """What every claim says."""
    effects, relation, consistent = edited_effects(truth, relations, facts, rng)
    for make in (local_edits, cas_average):
        claim = make(threshold=StaticThreshold(), kind=KIND, procedure=procedure)
        yield f"{claim.name} {verdict_of(claim, effects, relation, consistent, procedure)}"
    chosen = HeldOutBetas(threshold=StaticThreshold(), kind=KIND, procedure=procedure)
    effects, _ = chosen.under_chosen(effects, relation, consistent == 0, relations)
    yield f"{chosen.name} {verdict_of(chosen.comparing, effects, relation, consistent, procedure)}"


def edit_cases() -> Iterable[Case]:
    """Every world in every number of relations."""
    for relations in RELATIONS:
        for world, truth in WORLDS.items():
            yield Case(
                topic="edits",
                world=world,
                relations=relations,
                facts=FACTS,
                events=partial(edit_events, truth, relations, FACTS),
            )
