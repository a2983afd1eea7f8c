"""The retest: a sample of queries under changes that should not matter, localized again."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice, zip_longest

import numpy as np

from harness.claims import Retest
from harness.consistency import Groups, QuerySets
from harness.data.facts import Query
from harness.execution.plan import Plan
from harness.pipeline.rows import LocalizedRows

RETEST_QUERIES = 240
"""Queries that are localized again for the ceiling, spread over the relations."""

HARMLESS_CHANGES: tuple[Callable[[str], str], ...] = (
    lambda prompt: prompt,
    lambda prompt: f"\n{prompt}",
    lambda prompt: f" {prompt}",
    lambda prompt: prompt.replace(" ", "  ", 1),
)
"""Forms of a query that ask the same; every other one is localized by the localizer's variant."""


def retest_forms(plan: Plan, seed: int) -> list[list[Query]]:
    """A seeded sample of the plan's queries, once in each harmless form; the same queries in the same order."""
    sample = _spread(plan, seed)
    return [[replace(query, prompt=change(query.prompt)) for query in sample] for change in HARMLESS_CHANGES]


def retest_of(forms: list[LocalizedRows], queries: list[Query], relation: dict[str, int]) -> Retest:
    """What the forms agree on.

    A query whose answer comes or goes under a change was not changed harmlessly, and is left out.

    Args:
        forms: localized rows of the same queries in each form.
        queries: those queries.
        relation: number of each relation.
    """
    answered = np.array([form.known for form in forms])
    scored = np.array([form.scored for form in forms])
    kept = np.flatnonzero((answered == answered[0]).all(axis=0) & scored.all(axis=0))
    width = len(forms)
    return Retest(
        sets=QuerySets.from_lists([form.sets.ids(i) for i in kept.tolist() for form in forms]),
        groups=Groups.from_lists([range(i * width, (i + 1) * width) for i in range(len(kept))]),
        relation_of_group=np.array([relation[queries[i].fact.relation] for i in kept], dtype=np.int64),
    )


def _spread(plan: Plan, seed: int) -> list[Query]:
    """A sample of queries, relations taking turns so that each has its share."""
    rng = np.random.default_rng([seed, 0x5E7E57])
    by_relation: dict[str, list[Query]] = {}
    for index in rng.permutation(len(plan.requests)):
        query = plan.requests[index].query
        by_relation.setdefault(query.fact.relation, []).append(query)
    turns = zip_longest(*(by_relation[name] for name in sorted(by_relation)))
    return list(islice((query for turn in turns for query in turn if query is not None), RETEST_QUERIES))
