"""Consistency-aware neurons of facts (section 3.3): what whole attribution maps are needed for, stored a fact and beta.

Localization keeps the largest scores of every query, and a mean over queries needs all of them. So the maps of a fact's
queries are computed again where its row is missing, and only then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa

from harness.activations.verification import verify_row
from harness.consistency.cas import BETA_GRID, AttributionMoments, Betas, CasScores
from harness.execution.measuring import measure_missing, stored
from harness.execution.plan import Request
from harness.localizers.localizer import Unscored
from harness.neurons import NeuronSet
from harness.pipeline.cell import Cell
from harness.store.measurements import MeasurementStore, content_key

CAS: Final = "cas"
"""Name of the set of Eq. 7 in a request: CAS above 0.3 of the largest, beta = 0.7 and 0.3."""

MATCHED: Final = "cas-matched"
"""Name of the set of largest CAS that is as large as N_i on average over the fact's queries."""

_FACTS_A_SHARD: Final = 16
_COLUMNS: Final = {
    "fact_uid": pa.string(),
    "row_keys": pa.list_(pa.string()),
    "beta_mean": pa.float64(),
    "beta_deviation": pa.float64(),
    "max_score": pa.float64(),
    "neurons": pa.list_(pa.int32()),
    "scores": pa.list_(pa.float64()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CasFact:
    """A fact whose consistency-aware neurons are wanted.

    Attributes:
        uid: of the fact.
        requests: its scored queries.
        least: so many neurons are kept at least: the size of the matched set.
    """

    uid: str
    requests: tuple[Request, ...]
    least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One row: a fact under one pair of betas."""

    fact: CasFact
    betas: Betas

    @property
    def key(self) -> str:
        """Hash of the queries, whose localizations have the same keys, and of what is kept."""
        rows = [request.encoded.key for request in self.fact.requests]
        return content_key(rows, self.betas.mean, self.betas.deviation, self.fact.least)


def cas_sets(cell: Cell, facts: Sequence[CasFact], only_stored: bool) -> dict[str, dict[str, NeuronSet]]:
    """The consistency-aware neurons of every fact, by its uid: the paper's set and the one that is matched in size.

    Args:
        cell: model and localizer.
        facts: whose.
        only_stored: whether all rows have to be in the store, and no model is loaded.

    Raises:
        HarnessError: the model cannot be run, or the store cannot be used.
    """
    d_ff = cell.model.shape.d_ff
    found: dict[str, dict[str, NeuronSet]] = {}
    for fact, of_grid in zip(facts, _scores_of(cell, facts, only_stored), strict=True):
        scores = of_grid[Betas()]
        found[fact.uid] = {
            CAS: NeuronSet.from_flat(scores.select().tolist(), d_ff),
            MATCHED: NeuronSet.from_flat(scores.top(min(fact.least, len(scores.neurons))).tolist(), d_ff),
        }
    return found


def cas_grid(cell: Cell, facts: Sequence[CasFact], only_stored: bool) -> dict[str, dict[Betas, NeuronSet]]:
    """What `cas_sets` selects under the paper's betas, under every pair of the grid."""
    d_ff = cell.model.shape.d_ff
    return {
        fact.uid: {betas: NeuronSet.from_flat(scores.select().tolist(), d_ff) for betas, scores in of_grid.items()}
        for fact, of_grid in zip(facts, _scores_of(cell, facts, only_stored), strict=True)
    }


def _scores_of(cell: Cell, facts: Sequence[CasFact], only_stored: bool) -> list[dict[Betas, CasScores]]:
    """What is kept of every fact's consistency-aware scores, under every pair of betas."""
    model, localizer = cell.model, cell.localizer
    identity = {**model.identity(), "localizer": localizer.name, "config": localizer.config()}
    store = MeasurementStore(cell.settings.store, "cas", identity, _COLUMNS)
    wanted = [_Wanted(fact=fact, betas=each) for fact in facts for each in BETA_GRID]
    rows = (
        stored(wanted, store)
        if only_stored
        else measure_missing(
            wanted,
            partial(_rows, cell),
            store,
            cell.progress,
            label=f"{cell.label} consistency-aware scores",
            shard_items=_FACTS_A_SHARD * len(BETA_GRID),
        )
    )
    found: list[dict[Betas, CasScores]] = [{} for _ in facts]
    for place, (one, row) in enumerate(zip(wanted, rows, strict=True)):
        found[place // len(BETA_GRID)][one.betas] = _scores(row, one.betas)
    return found


def _rows(cell: Cell, wanted: Sequence[_Wanted]) -> Iterator[dict[str, Any]]:
    """The rows of a shard; the maps of its facts are computed once, whatever many betas they are wanted for."""
    model = cell.model.loaded()
    verify_row(model)
    facts = {one.fact.uid: one.fact for one in wanted}
    queries = {r.encoded.key: r.encoded for fact in facts.values() for r in fact.requests}
    maps = cell.localizer.attribute(model, list(queries.values()), batch_size=cell.settings.batch_size)
    scores = dict(zip(queries, (None if isinstance(m, Unscored) else m.scores for m in maps), strict=True))
    moments = {uid: _moments(fact, scores) for uid, fact in facts.items()}
    for one in wanted:
        (kept,) = moments[one.fact.uid].scores([one.betas], least=one.fact.least)
        yield {
            "excluded": None,
            "fact_uid": one.fact.uid,
            "row_keys": [request.encoded.key for request in one.fact.requests],
            "beta_mean": one.betas.mean,
            "beta_deviation": one.betas.deviation,
            "max_score": kept.max_score,
            "neurons": kept.neurons.tolist(),
            "scores": kept.scores.tolist(),
        }


def _moments(fact: CasFact, scores: Mapping[str, np.ndarray | None]) -> AttributionMoments:
    moments = AttributionMoments()
    for request in fact.requests:
        found = scores[request.encoded.key]
        if found is not None:
            moments.add(found)
    return moments


def _scores(row: Mapping[str, Any], betas: Betas) -> CasScores:
    return CasScores(
        betas=betas,
        max_score=row["max_score"],
        neurons=np.array(row["neurons"], dtype=np.int64),
        scores=np.array(row["scores"], dtype=np.float64),
    )
