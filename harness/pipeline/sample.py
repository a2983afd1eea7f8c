"""A few queries that are localized again in another way, and how much the other way changes."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from harness.claims.scoring import DECIMALS
from harness.consistency import Groups, Overlap, QuerySets, Threshold, consistency_scores, overlap
from harness.execution.plan import Plan, Request
from harness.pipeline.rows import LocalizedRows

QUERIES_A_FACT = 4
"""Queries of each fact: as many as CS2 is decided on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Queries of a few facts.

    Attributes:
        plan: the queries, those of a fact together.
        facts: the facts that have `QUERIES_A_FACT` of them, as places in the plan.
    """

    plan: Plan
    facts: Groups

    def cs2(self, sets: QuerySets) -> Float[np.ndarray, " facts"]:
        """CS2 (Eq. 1) of the facts that have a knowledge neuron."""
        scores = consistency_scores(sets, self.facts)
        return np.round(scores.cs2[scores.defined], DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one way of localizing finds on the sample.

    Attributes:
        overlap: its knowledge neurons against those of the way that it is compared with.
        n_facts: facts with a CS2.
        mean_cs2: its mean; None without facts.
        share_inconsistent: share of those facts with a CS2 at or below the cut; None without facts.
    """

    overlap: Overlap
    n_facts: int
    mean_cs2: float | None
    share_inconsistent: float | None


def sample_of(plan: Plan, size: int, *, seed: int) -> Sample:
    """A seeded sample of queries: facts of all relations in turn, four queries each, until there are enough.

    Args:
        plan: queries that can be scored.
        size: queries at most; a fact more is not begun if it would pass that.
        seed: draws facts and their queries.
    """
    rng = np.random.default_rng([seed, 0x5A3B1E])
    of_fact: dict[str, list[Request]] = {}
    for index in rng.permutation(len(plan.requests)):
        request = plan.requests[index]
        of_fact.setdefault(request.query.fact.uid, []).append(request)
    chosen: list[list[Request]] = []
    for requests in _in_turn(of_fact.values()):
        part = requests[:QUERIES_A_FACT]
        if sum(map(len, chosen)) + len(part) > size:
            break
        chosen.append(part)
    starts = np.cumsum([0, *map(len, chosen)])
    full = [
        range(start, start + len(part))
        for start, part in zip(starts, chosen, strict=False)
        if len(part) == QUERIES_A_FACT
    ]
    requests = tuple(request for part in chosen for request in part)
    return Sample(plan=Plan(requests=requests, unscored={}), facts=Groups.from_lists(full))


def compare(sample: Sample, rows: LocalizedRows, reference: LocalizedRows, threshold: Threshold) -> Found:
    """What the sample looks like, localized in one way, and how far its neurons are those of another.

    Args:
        sample: the queries.
        rows: what was found for them, in the plan's order.
        reference: the same, found in the way that is compared with.
        threshold: cuts CS2; one that is estimated is found anew.
    """
    cs2 = sample.cs2(rows.sets)
    return Found(
        overlap=overlap(rows.sets, reference.sets),
        n_facts=len(cs2),
        mean_cs2=float(cs2.mean()) if len(cs2) else None,
        share_inconsistent=float((cs2 <= threshold.cut(cs2)).mean()) if len(cs2) else None,
    )


def _in_turn(facts: Iterable[list[Request]]) -> list[list[Request]]:
    """The facts in an order in which relations take turns."""
    turns: dict[str, int] = {}
    placed: list[tuple[int, str, list[Request]]] = []
    for requests in facts:
        relation = requests[0].query.fact.relation
        turns[relation] = turns.get(relation, -1) + 1
        placed.append((turns[relation], relation, requests))
    return [requests for _turn, _relation, requests in sorted(placed, key=lambda place: place[:2])]
