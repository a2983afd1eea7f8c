"""What a saved run holds of one model under one localizer: its facts, their queries, and the patterns of these."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.claims import Evidence
from harness.claims.halves import alternating_halves
from harness.consistency import Groups, consistency_scores
from harness.localizers import Localizer
from harness.models.handle import ModelHandle
from harness.pipeline.localized import Localized

QUERIES: Final = "queries.parquet"
PATTERNS: Final = "patterns.csv"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedCell:
    """The tables of a cell.

    Attributes:
        facts: one row a fact: its queries, how many are known, its neurons and its consistency over all queries.
        queries: one row a scored query, in the facts' order: its pattern, whether the model knows it, its knowledge
            neurons as sorted ids layer * d_ff + index, and d_ff.
        patterns: one row a pattern: what of it is put to the model. With a subject in the place of [X] it is a prompt.
    """

    facts: pd.DataFrame
    queries: pa.Table
    patterns: pd.DataFrame


def saved_cell(localized: Localized, evidence: Evidence, model: ModelHandle, localizer: Localizer) -> SavedCell:
    """The tables of a cell; `evidence` is of these localizations."""
    return SavedCell(
        facts=_facts(localized, evidence, model.name, localizer.name),
        queries=_queries(localized, evidence, model.name, localizer.name, model.shape.d_ff),
        patterns=_patterns(localized, model.name),
    )


def tables_of(cells: Iterable[SavedCell]) -> tuple[pd.DataFrame, dict[str, pd.DataFrame | pa.Table]]:
    """The facts of all cells, and the other tables of them by their file."""
    found = list(cells)
    if not found:
        return pd.DataFrame(), {}
    patterns = pd.concat([cell.patterns for cell in found]).drop_duplicates()  # of a model, whatever localizes
    queries = pa.concat_tables([cell.queries for cell in found])
    return pd.concat([cell.facts for cell in found]), {QUERIES: queries, PATTERNS: patterns}


def _facts(localized: Localized, evidence: Evidence, model: str, localizer: str) -> pd.DataFrame:
    facts = localized.dataset.facts()
    n = len(facts)
    of_fact: list[list[int]] = [[] for _ in facts]
    for query, fact in enumerate(evidence.fact_of_query.tolist()):
        of_fact[fact].append(query)
    scores = consistency_scores(evidence.sets, Groups.from_lists(of_fact))
    queries = np.bincount(evidence.fact_of_query, minlength=n)
    neurons = np.bincount(evidence.fact_of_query, weights=evidence.sets.sizes, minlength=n)
    first, second = alternating_halves(evidence)
    return pd.DataFrame(
        {
            "model": model,
            "localizer": localizer,
            "fact_uid": [fact.uid for fact in facts],
            "relation": [fact.relation for fact in facts],
            "subject": [fact.subject for fact in facts],
            "object": [fact.object for fact in facts],
            "n_queries": queries,
            "n_known": np.bincount(evidence.fact_of_query, weights=evidence.known_query, minlength=n).astype(int),
            "neurons_per_query": neurons / np.maximum(queries, 1),
            "union_size": scores.union_size,
            "cs1": scores.cs1,
            "cs2": scores.cs2,
            "cs2_half_a": first,
            "cs2_half_b": second,
        }
    )


def _queries(localized: Localized, evidence: Evidence, model: str, localizer: str, d_ff: int) -> pa.Table:
    order = np.argsort(evidence.fact_of_query, kind="stable")
    asked = [localized.plan.requests[place].query for place in order.tolist()]
    sets = evidence.sets.take(order)
    n = len(asked)
    return pa.table(
        {
            "model": _repeated(model, n),
            "localizer": _repeated(localizer, n),
            "fact_uid": pa.array([query.fact.uid for query in asked], pa.string()).dictionary_encode(),
            "pattern_id": pa.array([query.pattern_id for query in asked], pa.string()).dictionary_encode(),
            "known": pa.array(evidence.known_query[order], pa.bool_()),
            "d_ff": pa.array(np.full(n, d_ff, dtype=np.int32)),
            "neurons": pa.ListArray.from_arrays(sets.offsets.astype(np.int32), sets.neurons.astype(np.int32)),
        }
    )


def _repeated(text: str, times: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(times, dtype=np.int32)), pa.array([text]))


def _patterns(localized: Localized, model: str) -> pd.DataFrame:
    dataset = localized.dataset
    rows = [
        {
            "model": model,
            "relation": relation.name,
            "pattern_id": pattern.id,
            "frame": pattern.frame(dataset.form),
        }
        for relation in dataset.relations
        for pattern in relation.patterns
    ]
    return pd.DataFrame(rows)
