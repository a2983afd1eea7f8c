"""Query-KN mapping: a query's own neurons, its neighbors' and random ones, suppressed and enhanced (section 3.1)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from harness.claims import Control, Effects
from harness.claims.mapping import effect
from harness.consistency import NEIGHBOR_RULES
from harness.consistency.compared import RANDOM
from harness.execution.measuring import measure_missing, stored
from harness.execution.plan import Request
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.pipeline.measured.mapping_figure import figure_4
from harness.pipeline.measured.mapping_rows import COUNTS, DIRECTIONS, EFFECTS, PREFIX, RATES, MappedFact, mapping_rows
from harness.pipeline.measured.measurement import Classes, Measured, Measurement, per_fact, sampled_facts
from harness.store.measurements import MeasurementStore

LEAST_QUERIES: Final = 3
"""Scored queries that a fact needs: with two, a query has one neighbor, and Eq. 3 has nothing to refine."""

LEAST_CHANGE: Final = 1e-3
"""Mean change of log p up to which an intervention did nothing but round."""

_FACTS_A_SHARD: Final = 16
_COLUMNS: Final = {
    **dict.fromkeys((*EFFECTS, *RATES, "identity", "moved"), pa.float64()),
    **dict.fromkeys(COUNTS, pa.int32()),
}


def measure(cell: Cell, localized: Localized, only_stored: bool) -> Measured:
    """Measures the facts of a cell that have enough scored queries.

    Args:
        cell: model, localizer and settings.
        localized: the knowledge neurons of its queries.
        only_stored: whether all rows have to be in the store, and no model is loaded.

    Raises:
        HarnessError: the model cannot be run, or the store cannot be used.
    """
    settings = cell.settings
    facts = localized.dataset.facts()
    chosen = sampled_facts(localized, least_queries=LEAST_QUERIES, limit=settings.measured_facts, seed=settings.seed)
    items = _items(localized, [facts[index].uid for index in chosen], settings.seed)
    store = MeasurementStore(settings.store, "mapping", _identity(cell), _COLUMNS)
    rows = (
        stored(items, store)
        if only_stored
        else measure_missing(
            items,
            partial(mapping_rows, cell),
            store,
            cell.progress,
            label=f"{cell.label} mapping",
            shard_items=_FACTS_A_SHARD,
        )
    )
    table = pd.DataFrame(rows, columns=["excluded", *_COLUMNS])
    table.insert(0, "fact_uid", [facts[index].uid for index in chosen])
    table.insert(1, "relation", [facts[index].relation for index in chosen])
    effects = Effects(
        values={name: per_fact(chosen, table[name].to_numpy(dtype=float), len(facts)) for name in (*EFFECTS, *RATES)},
        excluded=_excluded(rows, n_facts=len(facts)),
        controls=_controls(rows),
        notes={"prefix": PREFIX, "n_measured": sum(row["excluded"] is None for row in rows)},
    )
    return Measured(effects=effects, table=table, drawn={"facts": pd.DataFrame({"fact": chosen})})


def _items(localized: Localized, uids: Sequence[str], seed: int) -> list[MappedFact]:
    """The facts with their queries, in the order of `uids`."""
    of_fact: dict[str, list[tuple[Request, tuple[int, ...]]]] = {uid: [] for uid in uids}
    for row, request in enumerate(localized.plan.requests):
        if request.query.fact.uid in of_fact:
            of_fact[request.query.fact.uid].append((request, tuple(localized.rows.sets.ids(row))))
    return [
        MappedFact(uid=uid, requests=tuple(r for r, _ in pairs), sets=tuple(kn for _, kn in pairs), seed=seed)
        for uid, pairs in of_fact.items()
    ]


def _identity(cell: Cell) -> dict[str, Any]:
    """Everything that changes a number for given queries and neurons."""
    return {
        **cell.model.identity(),
        "localizer": cell.localizer.name,
        "config": cell.localizer.config(),
        "selection": asdict(cell.settings.selection),
        "prefix": PREFIX,
        "factors": [factor for factor, _ in DIRECTIONS.values()],
    }


def _excluded(rows: Sequence[Mapping[str, Any]], *, n_facts: int) -> dict[str, int]:
    """Facts without a number, by reason."""
    measured = [row for row in rows if row["excluded"] is None]
    found = {
        f"fewer than {LEAST_QUERIES} scored queries, or not drawn": n_facts - len(rows),
        **Counter(row["excluded"] for row in rows if row["excluded"] is not None),
        **{
            f"every query's {rule} of its neighbors is empty or smaller than its own set": sum(
                row[f"n_{rule}"] == 0 for row in measured
            )
            for rule in NEIGHBOR_RULES
        },
        "no query fits behind the prefix": sum(row["n_held_out"] == 0 for row in measured),
        "a layer has too few other neurons to draw from": sum(
            row[effect("suppress", RANDOM)] is None for row in measured
        ),
    }
    return {reason: count for reason, count in found.items() if count}


def _controls(rows: Sequence[Mapping[str, Any]]) -> tuple[Control, ...]:
    """That interventions do something, and that one that should do nothing does nothing."""
    measured = [row for row in rows if row["excluded"] is None]
    mean = sum(row["moved"] for row in measured) / len(measured) if measured else None
    most = max((row["identity"] for row in measured), default=None)
    return (
        Control(
            name="control of interventions",
            passed=mean is None or mean > LEAST_CHANGE,
            value=mean,
            bound=LEAST_CHANGE,
            explanation="suppressing all knowledge neurons of a query hardly changes its answer's log probability, so "
            "either the intervention does nothing or what was localized does not bear on the answer",
        ),
        Control(
            name="control of identity",
            passed=most is None or most == 0.0,
            value=most,
            bound=0.0,
            explanation="neurons times 1 changed the answer, so a change under another factor says nothing",
        ),
    )


def _figures(measured: Measured, classes: Classes) -> dict[str, pd.DataFrame]:
    return {"figure-4": figure_4(measured, classes)}


MAPPING: Final = Measurement(markers=("mapping",), file="measured/mapping.csv", measure=measure, figures=_figures)
"""What the claims of section 3.1 read."""
