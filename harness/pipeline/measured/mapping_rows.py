"""What is done to one fact: its queries' own neurons, their neighbors' and random ones, suppressed and enhanced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np

from harness.activations.verification import verify_row
from harness.claims import keyed_generator
from harness.claims.mapping import effect, rate
from harness.consistency import NEIGHBOR_RULES
from harness.consistency.compared import COMPARED, OWN, RANDOM, compared_neurons, whole
from harness.execution.plan import Request, make_plan
from harness.interventions.neuron_effects import NeuronItem, neuron_effects
from harness.interventions.neurons import NeuronScaling
from harness.interventions.synapses import ENHANCE, SUPPRESS
from harness.models.queries import EncodedQuery
from harness.neurons import NeuronSet
from harness.pipeline.cell import Cell
from harness.store.measurements import content_key

PREFIX: Final = "In short,"
"""Stands before a query that selection never saw. Of a few, the one that changes the answers of the built-in models
least; chosen on unmodified models."""

DIRECTIONS: Final = {"suppress": (SUPPRESS, -1.0), "enhance": (ENHANCE, 1.0)}
"""What is done to the neurons, and the sign that makes a larger number the wanted effect."""

PRINTED: Final = (OWN, RANDOM, *map(whole, NEIGHBOR_RULES))
"""Sets of which the paper's rate of change is taken."""

NO_NEURONS: Final = "no query has a knowledge neuron"

_WHOLE: Final = frozenset(map(whole, NEIGHBOR_RULES))


EFFECTS: Final = tuple(
    effect(do, name, held_out=held_out)
    for held_out in (False, True)
    for do in DIRECTIONS
    for name in COMPARED
    if not (held_out and name in _WHOLE)
)
RATES: Final = tuple(rate(do, name, kind) for kind in ("mean", "median") for do in DIRECTIONS for name in PRINTED)
COUNTS: Final = ("n_queries", "n_without_neurons", "n_held_out", *(f"n_{rule}" for rule in NEIGHBOR_RULES))


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedFact:
    """A fact that is measured.

    Attributes:
        uid: of the fact.
        requests: its scored queries.
        sets: the knowledge neurons of each, as flat ids.
        seed: of the session.
    """

    uid: str
    requests: tuple[Request, ...]
    sets: tuple[tuple[int, ...], ...]
    seed: int

    @property
    def key(self) -> str:
        """Hash of everything that its numbers depend on."""
        return content_key(self.uid, self.seed, [request.encoded.key for request in self.requests], self.sets)

    def compared(self, query: int, d_ff: int) -> dict[str, np.ndarray]:
        """The sets that one of its queries is put under; random numbers are the query's own."""
        sets = [np.array(neurons, dtype=np.int64) for neurons in self.sets]
        whose = f"{self.uid} {self.requests[query].encoded.key}"
        return compared_neurons(sets, query, d_ff=d_ff, generator=partial(keyed_generator, self.seed, whose))


@dataclass(slots=True)
class _Batch:
    """Queries and interventions of several facts, each run once.

    Attributes:
        queries: every query, plain and behind the prefix.
        items: every intervention.
        asked: quantity -> interventions, of every fact.
        n_held_out: queries behind the prefix, of every fact.
    """

    queries: list[EncodedQuery] = field(default_factory=list[EncodedQuery])
    items: dict[NeuronItem, int] = field(default_factory=dict[NeuronItem, int])
    asked: list[dict[str, list[int]]] = field(default_factory=list[dict[str, list[int]]])
    n_held_out: list[int] = field(default_factory=list[int])

    def add(self, fact: MappedFact, cell: Cell, d_ff: int) -> None:
        """Adds all that is done to one fact."""
        asked: dict[str, list[int]] = {}
        n_held_out = 0
        for query, request in enumerate(fact.requests):
            sets = fact.compared(query, d_ff)
            for held_out, encoded in _contexts(cell, request):
                n_held_out += held_out
                self.queries.append(encoded)
                for name, scaling in _scalings(sets, d_ff, held_out=held_out):
                    item = NeuronItem(query=len(self.queries) - 1, scaling=scaling)
                    asked.setdefault(name, []).append(self.items.setdefault(item, len(self.items)))
        self.asked.append(asked)
        self.n_held_out.append(n_held_out)


def mapping_rows(cell: Cell, facts: Sequence[MappedFact]) -> Iterator[dict[str, Any]]:
    """Runs all queries of some facts under all their sets, and gives one row a fact.

    Args:
        cell: gives the model, which is loaded for it.
        facts: few enough for one batch of results to be held.

    Raises:
        ModelError: the model cannot be loaded, or is not as its family's row says.
    """
    model = cell.model.loaded()
    verify_row(model)
    batch = _Batch()
    for fact in facts:
        batch.add(fact, cell, model.d_ff)
    change = neuron_effects(model, batch.queries, list(batch.items), batch_size=cell.settings.batch_size).change
    for fact, asked, n_held_out in zip(facts, batch.asked, batch.n_held_out, strict=True):
        yield {
            **_means({name: change[items] for name, items in asked.items()}),
            "n_queries": len(fact.requests),
            "n_without_neurons": sum(not neurons for neurons in fact.sets),
            "n_held_out": n_held_out,
            **{f"n_{rule}": len(asked.get(effect("suppress", rule), ())) for rule in NEIGHBOR_RULES},
        }


def _contexts(cell: Cell, request: Request) -> Iterator[tuple[bool, EncodedQuery]]:
    """A query as it is, and behind the prefix if it fits there."""
    yield False, request.encoded
    changed = replace(request.query, prompt=f"{PREFIX} {request.query.prompt}")
    plan = make_plan([changed], cell.model.tokenizer, context_length=cell.model.context_length)
    for held_out in plan.requests:
        yield True, held_out.encoded


def _scalings(sets: Mapping[str, np.ndarray], d_ff: int, *, held_out: bool) -> Iterator[tuple[str, NeuronScaling]]:
    """Everything that is done to one query, by quantity."""
    for name, neurons in sets.items():
        chosen = NeuronSet.from_flat(neurons.tolist(), d_ff)
        if held_out and name in _WHOLE:
            continue  # printed beside what decides, for the query itself as the paper has it
        for do, (factor, _) in DIRECTIONS.items():
            yield effect(do, name, held_out=held_out), NeuronScaling(neurons=chosen, factor=factor)
        if name == OWN and not held_out:
            yield "identity", NeuronScaling(neurons=chosen, factor=1)


def _means(change: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The numbers of one fact, from the changes of log p of its queries."""
    if not change:
        return {"excluded": NO_NEURONS}
    row: dict[str, Any] = {"identity": float(np.abs(change["identity"]).max())}
    row["moved"] = float(np.abs(change[effect("suppress", OWN)]).mean())
    for do, (_, sign) in DIRECTIONS.items():
        for held_out in (False, True):
            for name in COMPARED:
                quantity = effect(do, name, held_out=held_out)
                if quantity in change:
                    row[quantity] = float(sign * change[quantity].mean())
        for name in PRINTED:
            if effect(do, name) in change:
                rates = sign * np.expm1(change[effect(do, name)])  # (p after - p before) / p before
                row[rate(do, name)] = float(rates.mean())
                row[rate(do, name, "median")] = float(np.median(rates))
    return row
