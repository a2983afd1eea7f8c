"""Attention measured on the facts of a cell: predominance, and what scaling knowledge synapses changes."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Int

from harness.claims import Control, Effects
from harness.execution.measuring import measure_missing
from harness.execution.measuring import stored as read_stored
from harness.interventions.attention_measurements import (
    AttentionPlan,
    FactAttention,
    FactQueries,
    attention_measurements,
    number_names,
)
from harness.interventions.compared_synapses import PRINTED, READINGS, SETS, WITHOUT_FIRST, SynapseDraw
from harness.interventions.selection_effects import DIRECTION, QUANTITIES
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.pipeline.measured.attention_heatmaps import heatmaps
from harness.pipeline.measured.measurement import Measured, per_fact, sampled_facts
from harness.store.measurements import MeasurementStore, content_key

LEAST_QUERIES: Final = 2
"""Queries that a fact needs: with one, P would be 1 whatever it attends to."""

MOST_FIRST: Final = 0.9
"""S as printed carries the verdict unless the first position has a larger share of it."""

LEAST_REACH: Final = 1e-3
"""Mean |change| of log p that taking all attention away has to make."""

_SHARD_FACTS: Final = 16
"""Facts of a shard: seconds of work, which is what a crash may cost."""

_COLUMNS: Final = {
    **dict.fromkeys(number_names(), pa.float64()),
    "n_queries": pa.int64(),
    "excluded_queries": pa.string(),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Item:
    """A fact that is measured.

    Attributes:
        fact: its number in the dataset's order.
        queries: what is measured on it.
    """

    fact: int
    queries: FactQueries

    @property
    def key(self) -> str:
        """Of its ids, its knowledge neurons, and the irrelevant queries that were drawn."""
        return content_key(
            [query.key for query in self.queries.queries],
            [neurons.tolist() for neurons in self.queries.neurons],
            [other and other.key for other in self.queries.irrelevant],
        )


def measure(cell: Cell, localized: Localized, stored: bool) -> Measured:
    """Measures the sampled facts of a cell; see `harness.interventions.attention_measurements`.

    Args:
        cell: model, localizer and settings.
        localized: its facts and their knowledge neurons.
        stored: whether all rows have to be in the store; no model is loaded then.

    Raises:
        HarnessError: the model cannot be run, or the store lacks a row or cannot be used.
    """
    obstacle = _obstacle(cell)
    if obstacle is not None:
        return Measured(effects=Effects(values={}, obstacle=obstacle), table=pd.DataFrame(columns=["fact_uid"]))
    plan = AttentionPlan(draw=SynapseDraw(seed=cell.settings.seed))
    limit = cell.settings.measured_facts
    facts = sampled_facts(localized, least_queries=LEAST_QUERIES, limit=limit, seed=cell.settings.seed)
    items = _items(localized, facts, plan.draw)
    store = MeasurementStore(cell.settings.store, "attention", identity_of(cell, plan), _COLUMNS)

    def compute(shard: Sequence[_Item]) -> list[dict[str, Any]]:
        model, size = cell.model.loaded(), cell.settings.batch_size
        found = attention_measurements(model, [item.queries for item in shard], plan, batch_size=size)
        return [_row(item, one) for item, one in zip(shard, found, strict=True)]

    rows = (
        read_stored(items, store)
        if stored
        else measure_missing(
            items, compute, store, cell.progress, label=f"{cell.label} attention", shard_items=_SHARD_FACTS
        )
    )
    table = _table(localized, facts, rows)
    return Measured(
        effects=_effects(localized, facts, rows),
        table=table,
        drawn={
            "facts": table[["relation"]].assign(fact=facts),
            "heatmaps": heatmaps(cell, localized, facts, stored),
        },
    )


def identity_of(cell: Cell, plan: AttentionPlan) -> dict[str, Any]:
    """Everything that changes a number of given facts."""
    return {
        **cell.model.identity(),
        "localizer": cell.localizer.name,
        "config": cell.localizer.config(),
        "selection": cell.settings.selection.t,
        "seed": plan.draw.seed,
        "shuffles": plan.shuffles,
        "random_match": plan.draw.control.match,
        "readings": {
            name: [reading.alpha, reading.threshold, reading.exclude_first] for name, reading in READINGS.items()
        },
    }


def _obstacle(cell: Cell) -> str | None:
    """Why the attention of this model is not changed, and what to do; None if it is."""
    model = cell.model
    if model.shape.masked:
        return (
            f"{model.name} is a masked language model: its maps are not causal, and Eq. 4 to 6 are read for causal"
            " ones. Give a causal model, such as gpt2 or llama."
        )
    if not model.shape.open_attention:
        return (
            f"{model.name} ({model.config.model_type}) does not run its attention through transformers' attention"
            " interface, so nothing can be done to its weights. Give a model of a family that does, such as gpt2 or"
            " llama, or leave out the marker `attention`."
        )
    return None


def _items(localized: Localized, facts: Int[np.ndarray, " measured"], draw: SynapseDraw) -> list[_Item]:
    """The sampled facts with their queries, knowledge neurons and one irrelevant query each."""
    requests = localized.plan.requests
    all_facts = localized.dataset.facts()
    relation = np.array([request.query.fact.relation for request in requests])
    others = {name: np.flatnonzero(relation != name).tolist() for name in np.unique(relation).tolist()}
    of_fact: dict[str, list[int]] = {}
    for index, request in enumerate(requests):
        of_fact.setdefault(request.query.fact.uid, []).append(index)
    sets = localized.rows.sets
    items: list[_Item] = []
    for number in facts.tolist():
        fact = all_facts[number]
        queries = [requests[index].encoded for index in of_fact[fact.uid]]
        drawn = [draw.irrelevant(query.key, others[fact.relation]) for query in queries]
        chosen = FactQueries(
            queries=tuple(queries),
            neurons=tuple(np.array(sets.ids(index), dtype=np.int64) for index in of_fact[fact.uid]),
            irrelevant=tuple(None if other is None else requests[other].encoded for other in drawn),
        )
        items.append(_Item(fact=number, queries=chosen))
    return items


def _row(item: _Item, found: FactAttention) -> dict[str, Any]:
    """What is stored of a fact; `excluded` where no query of it was compared under any reading."""
    compared = any(found.numbers[f"size_self_{reading}"] is not None for reading in READINGS)
    why = None if compared or not found.excluded else max(found.excluded, key=lambda reason: found.excluded[reason])
    return {
        **found.numbers,
        "n_queries": len(item.queries.queries),
        "excluded_queries": json.dumps(found.excluded, sort_keys=True),
        "excluded": why,
    }


def _table(
    localized: Localized, facts: Int[np.ndarray, " measured"], rows: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """One row a measured fact."""
    all_facts = [localized.dataset.facts()[number] for number in facts.tolist()]
    columns: dict[str, list[Any]] = {
        "fact_uid": [fact.uid for fact in all_facts],
        "relation": [fact.relation for fact in all_facts],
        **{name: [row[name] for row in rows] for name in ("n_queries", "excluded", "excluded_queries")},
        **{name: [row[name] for row in rows] for name in number_names()},
    }
    return pd.DataFrame(columns)


def _effects(localized: Localized, facts: Int[np.ndarray, " measured"], rows: Sequence[Mapping[str, Any]]) -> Effects:
    """The numbers as claims read them: those of the reading that carries the verdict have no reading in their name."""
    n = localized.dataset.n_facts

    def column(name: str) -> np.ndarray:
        return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=np.float64)

    values = {name: column(name) for name in number_names()}
    share = _mean(values[f"first_position_share_{PRINTED}"])
    carrying = PRINTED if share is not None and share <= MOST_FIRST else WITHOUT_FIRST
    for quantity in QUANTITIES:
        for which in SETS:
            for reading in READINGS:
                both = [values[f"{quantity}_{factor}_{which}_{reading}"] for factor in DIRECTION]
                values[f"{quantity}_average_{which}_{reading}"] = np.mean(both, axis=0)
            for factor in (*DIRECTION, "average"):
                values[f"{quantity}_{factor}_{which}"] = values[f"{quantity}_{factor}_{which}_{carrying}"]
    reasons = Counter(row["excluded"] for row in rows if row["excluded"] is not None)
    few = n - len(sampled_facts(localized, least_queries=LEAST_QUERIES, limit=None, seed=0))
    return Effects(
        values={name: per_fact(facts, numbers, n) for name, numbers in values.items()},
        excluded=dict(reasons) | ({f"fewer than {LEAST_QUERIES} scored queries": few} if few else {}),
        controls=_controls(values) if rows else (),
        remark=_remark(share, carrying),
        notes=_notes(rows, values, carrying),
    )


def _mean(values: np.ndarray) -> float | None:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None


def _remark(share: float | None, carrying: str) -> str | None:
    """What a row says where S as printed does not carry it."""
    if carrying == PRINTED:
        return None
    found = (
        "No query has a synapse as printed" if share is None else f"S as printed is the first position to {share:.0%}"
    )
    return f"{found}; S per column and without the first position carries the verdict."


def _controls(values: Mapping[str, np.ndarray]) -> tuple[Control, ...]:
    """Doing nothing changes nothing, and taking everything away changes something."""
    identity, reach = float(values["identity_change"].max()), float(values["all_suppressed_change"].mean())
    return (
        Control(
            name="control of idle synapses",
            passed=identity == 0,
            value=identity,
            bound=0.0,
            explanation="a factor of 1 on all synapses changes the model, so what other factors change cannot be told"
            " from what the machinery does",
        ),
        Control(
            name="control of suppressed attention",
            passed=reach > LEAST_REACH,
            value=reach,
            bound=LEAST_REACH,
            explanation="taking all attention away changes no answer, so the intervention does nothing or attention"
            " brings nothing",
        ),
    )


def _notes(rows: Sequence[Mapping[str, Any]], values: Mapping[str, np.ndarray], carrying: str) -> dict[str, object]:
    """How many facts, which queries were left out and why, and what the sets are like."""
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons.update(json.loads(row["excluded_queries"]))
    sizes = ("size_self", "size_irrelevant", "overlap_irrelevant", "overlap_random", "first_position_share")
    return {
        "measured_facts": len(rows),
        "excluded_queries": dict(reasons),
        "carrying_reading": carrying,
        "most_first": MOST_FIRST,
        "synapses": {reading: {size: _mean(values[f"{size}_{reading}"]) for size in sizes} for reading in READINGS},
    }
