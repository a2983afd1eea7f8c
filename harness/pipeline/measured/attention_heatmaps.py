"""Figures 1, 7 and 10: the neurons of two queries of a consistent and of an inconsistent fact, and what scaling their
synapses makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Float, Int

from harness.activations.attention import attention_sums
from harness.claims import Procedure, classes_of, keyed_generator
from harness.consistency import StaticThreshold
from harness.execution.measuring import measure_missing
from harness.execution.measuring import stored as read_stored
from harness.interventions.compared_synapses import PRINTED, READINGS
from harness.interventions.synapse_effects import ScaledQuery, synapse_effects
from harness.interventions.synapses import ENHANCE, SUPPRESS, SynapseScaling
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.store.measurements import MeasurementStore, content_key

MOST_COLUMNS: Final = 64
"""Columns of a heatmap: each shows the largest |activation| of neighboring neurons of a layer."""

CONDITIONS: Final = ("unmodified", "synapses suppressed", "synapses enhanced")

PANELS: Final = {
    "figure-1": {"unmodified": ""},
    "figure-7": {"synapses suppressed": ""},
    "figure-10": {
        "unmodified": "(a) unmodified, ",
        "synapses suppressed": "(b) suppressed, ",
        "synapses enhanced": "(c) enhanced, ",
    },
}
"""Which conditions each figure shows, and what their titles begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A query that is drawn.

    Attributes:
        title: what it is.
        query: the query.
    """

    title: str
    query: EncodedQuery

    @property
    def key(self) -> str:
        """Of its ids."""
        return content_key(self.query.key)


def heatmaps(cell: Cell, localized: Localized, facts: Int[np.ndarray, " measured"], stored: bool) -> pd.DataFrame:
    """Neurons at the last query token under S as printed: unmodified, suppressed, enhanced.

    One fact of either class at the paper's static threshold, drawn by seed from the measured ones; a class without a
    fact is left out.

    Returns:
        `figure, title, row, column, value`: layers, ranges of neurons, and the largest |activation| of the range.
    """
    drawn = _chosen(cell, localized, facts)
    columns = {"values": pa.list_(pa.float32()), "layers": pa.int64()}
    reading = READINGS[PRINTED]
    identity = {**cell.model.identity(), "alpha": reading.alpha, "columns": MOST_COLUMNS}
    store = MeasurementStore(cell.settings.store, "attention-heatmaps", identity, columns)

    def compute(shard: Sequence[_Drawn]) -> list[dict[str, Any]]:
        found = _binned_neurons(cell.model.loaded(), [item.query for item in shard])
        return [{"excluded": None, "values": one.ravel().tolist(), "layers": one.shape[1]} for one in found]

    rows = (
        read_stored(drawn, store)
        if stored
        else measure_missing(
            drawn, compute, store, cell.progress, label=f"{cell.label} heatmaps", shard_items=len(drawn) or 1
        )
    )
    d_ff = cell.model.shape.d_ff
    parts = [
        _panel(
            figure,
            f"{begins}{item.title}",
            np.reshape(row["values"], (len(CONDITIONS), row["layers"], -1))[place],
            d_ff,
        )
        for figure, conditions in PANELS.items()
        for item, row in zip(drawn, rows, strict=True)
        for condition, begins in conditions.items()
        for place in (CONDITIONS.index(condition),)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["figure", "title"])


def _chosen(cell: Cell, localized: Localized, facts: Int[np.ndarray, " measured"]) -> list[_Drawn]:
    """Two queries of one fact of either class."""
    seed = cell.settings.seed
    consistent = classes_of(localized.evidence(None), StaticThreshold(), Procedure(seed=seed))[0]
    all_facts = localized.dataset.facts()
    chosen: list[_Drawn] = []
    for value, name in ((1.0, "K_I"), (0.0, "K_II")):
        members = facts[consistent[facts] == value]
        if len(members) == 0:
            continue
        fact = all_facts[int(keyed_generator(seed, "heatmaps", name).choice(members))]
        queries = [request for request in localized.plan.requests if request.query.fact.uid == fact.uid]
        for request in queries[:2]:
            title = f"{fact.subject}, {fact.relation}, {fact.object} ({name}), query {request.query.index + 1}"
            chosen.append(_Drawn(title=title, query=request.encoded))
    return chosen


def _binned_neurons(
    model: LoadedModel, queries: Sequence[EncodedQuery]
) -> list[Float[np.ndarray, "conditions layers columns"]]:
    """Of every query, in the order of `CONDITIONS`."""
    sets = [READINGS[PRINTED].select(sums.columns) for sums in attention_sums(model, queries)]
    items = [
        ScaledQuery(query=i, scaling=SynapseScaling(synapses=own, factor=factor))
        for i, own in enumerate(sets)
        for factor in (1.0, SUPPRESS, ENHANCE)
    ]
    size = np.abs(synapse_effects(model, queries, items).neurons_after)
    starts = np.linspace(0, model.d_ff, min(MOST_COLUMNS, model.d_ff), endpoint=False).astype(int)
    binned = np.maximum.reduceat(size, starts, axis=2).transpose(1, 0, 2)
    return list(binned.reshape(len(queries), len(CONDITIONS), model.n_layers, -1))


def _panel(figure: str, title: str, values: Float[np.ndarray, "layers columns"], d_ff: int) -> pd.DataFrame:
    """One heatmap in long form."""
    layers, columns = values.shape
    starts = np.linspace(0, d_ff, columns, endpoint=False).astype(int)
    ends = [*(starts[1:] - 1), d_ff - 1]
    ranges = [f"{low}" if low == high else f"{low}-{high}" for low, high in zip(starts, ends, strict=True)]
    return pd.DataFrame(
        {
            "figure": figure,
            "title": title,
            "row": np.repeat(np.arange(layers), columns),
            "column": ranges * layers,
            "value": values.ravel(),
        }
    )
