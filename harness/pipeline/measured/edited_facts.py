"""Which edits are made on a cell's facts: the facts as editing sees them, and the cases that are drawn for them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int

from harness.editing import KINDS, Draws, EditCase, LocatedFact, plan_edits
from harness.execution.plan import Request
from harness.neurons import NeuronSet
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.pipeline.measured.cas import CasFact, cas_sets
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
    """

    chosen: Int[np.ndarray, " chosen"]
    cases: tuple[EditCase, ...]
    skipped: dict[str, int]


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
    located = _located(cell, localized, chosen, with_cas, only_stored)
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
    return EditedFacts(chosen=chosen, cases=tuple(cases), skipped=skipped)


def _located(
    cell: Cell, localized: Localized, chosen: Int[np.ndarray, " chosen"], with_cas: bool, only_stored: bool
) -> list[tuple[int, LocatedFact]]:
    """Every fact with scored queries and its number: those that are not edited are what locality is drawn from."""
    facts, d_ff = localized.dataset.facts(), cell.model.shape.d_ff
    number = {fact.uid: index for index, fact in enumerate(facts)}
    of_fact: dict[int, list[int]] = {}
    for row, request in enumerate(localized.plan.requests):
        of_fact.setdefault(number[request.query.fact.uid], []).append(row)
    requests: tuple[Request, ...] = localized.plan.requests
    known, neurons = localized.rows.known, localized.rows.sets
    sizes = neurons.sizes
    wanted = [
        CasFact(
            uid=facts[index].uid,
            requests=tuple(requests[row] for row in of_fact[index]),
            least=round(float(sizes[of_fact[index]].mean())),
        )
        for index in (chosen.tolist() if with_cas else ())
    ]
    sets = cas_sets(cell, wanted, only_stored)
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
        for index, rows in sorted(of_fact.items())
    ]
