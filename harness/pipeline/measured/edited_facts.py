"""Which edits are made on a cell's facts: the facts as editing sees them, and the cases that are drawn for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int

from harness.consistency.cas import Betas
from harness.editing import KINDS, Draws, EditCase, LocatedFact, plan_edits
from harness.execution.plan import Request
from harness.neurons import NeuronSet
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.pipeline.measured.cas import CasFact, cas_grid, cas_sets
from harness.pipeline.measured.measurement import sampled_facts

LEAST_QUERIES: Final = 2
"""Scored queries that a fact needs: the edited one has no neighbor otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditedFacts:
    """What is edited, and what edits are scored on.

    Attributes:
        chosen: numbers of the facts that were drawn to be edited, in the dataset's order.
        cases: one a fact and kind of edit.
        skipped: why facts have no edit, and how many.
        grid: uid -> the consistency-aware neurons under every pair of betas; empty where nobody edits such neurons.
    """

    chosen: Int[np.ndarray, " chosen"]
    cases: tuple[EditCase, ...]
    skipped: dict[str, int]
    grid: Mapping[str, Mapping[Betas, NeuronSet]]


def edited_facts(
    cell: Cell, localized: Localized, *, n_passages: int, with_cas: bool, only_stored: bool
) -> EditedFacts:
    """Draws facts, edited queries, new objects, unrelated prompts and passages.

    Args:
        cell: model, localizer and settings.
        localized: the knowledge neurons of its queries.
        n_passages: passages that there are to draw from; 0 to measure no perplexity.
        with_cas: whether requests need the consistency-aware neurons.
        only_stored: whether those have to be in the store.

    Raises:
        HarnessError: the model cannot be run, or the store cannot be used.
    """
    settings, model = cell.settings, cell.model
    chosen = sampled_facts(localized, least_queries=LEAST_QUERIES, limit=settings.measured_facts, seed=settings.seed)
    wanted = _wanted(localized, chosen) if with_cas else []
    located = _located(cell, localized, cas_sets(cell, wanted, only_stored))
    cases: list[EditCase] = []
    skipped: dict[str, int] = {}
    for kind in KINDS:
        plan = plan_edits(
            [fact for _, fact in located],
            kind,
            tokenizer=model.tokenizer,
            context_length=model.context_length,
            draws=Draws(seed=settings.seed, n_passages=n_passages),
            edited=[place for place, (number, _) in enumerate(located) if number in set(chosen.tolist())],
        )
        cases += plan.cases
        skipped |= {f"{kind}: {reason}": count for reason, count in plan.skipped.items()}
    return EditedFacts(chosen=chosen, cases=tuple(cases), skipped=skipped, grid=cas_grid(cell, wanted, only_stored))


def _rows_of_fact(localized: Localized) -> dict[int, list[int]]:
    """Number of a fact -> rows of its scored queries."""
    number = {fact.uid: index for index, fact in enumerate(localized.dataset.facts())}
    found: dict[int, list[int]] = {}
    for row, request in enumerate(localized.plan.requests):
        found.setdefault(number[request.query.fact.uid], []).append(row)
    return found


def _wanted(localized: Localized, chosen: Int[np.ndarray, " chosen"]) -> list[CasFact]:
    """The facts whose consistency-aware neurons are edited."""
    facts, rows_of = localized.dataset.facts(), _rows_of_fact(localized)
    requests: tuple[Request, ...] = localized.plan.requests
    sizes = localized.rows.sets.sizes
    return [
        CasFact(
            uid=facts[index].uid,
            requests=tuple(requests[row] for row in rows_of[index]),
            least=round(float(sizes[rows_of[index]].mean())),
        )
        for index in chosen.tolist()
    ]


def _located(
    cell: Cell, localized: Localized, sets: Mapping[str, Mapping[str, NeuronSet]]
) -> list[tuple[int, LocatedFact]]:
    """Every fact with scored queries and its number: those that are not edited are what locality is drawn from."""
    facts, d_ff = localized.dataset.facts(), cell.model.shape.d_ff
    requests: tuple[Request, ...] = localized.plan.requests
    known, neurons = localized.rows.known, localized.rows.sets
    return [
        (
            index,
            LocatedFact(
                fact=facts[index],
                queries=tuple(requests[row].encoded for row in rows),
                known=tuple(bool(known[row]) for row in rows),
                local=tuple(NeuronSet.from_flat(neurons.ids(row), d_ff) for row in rows),
                sets=sets.get(facts[index].uid, {}),
            ),
        )
        for index, rows in sorted(_rows_of_fact(localized).items())
    ]
