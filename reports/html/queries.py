"""The queries of all facts in little space, as `reports.html.facts` packs the facts; unpacked when a fact is opened."""

from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Int

from harness.consistency import QuerySets
from reports.html.facts import of_cell, packed
from reports.html.markup import clean
from reports.run import SavedRun
from reports.saved_queries import SavedQueries

MOST_NEURONS: Final = 2_000_000
"""Neurons of single queries that a page holds, some five megabytes of it; of a larger run it holds their numbers."""

MOST_SHARED: Final = 8
"""Neurons of a fact that are named with the number of queries that have them."""


def holds_neurons(run: SavedRun) -> bool:
    """Whether the page says of every query which neurons it has, and not their number alone."""
    return run.queries is not None and len(run.queries.sets.neurons) <= MOST_NEURONS


def packed_queries(run: SavedRun) -> str:
    """The queries as the page's script reads them; empty if the run saved none."""
    return "" if run.queries is None else packed(query_columns(run, run.queries))


def query_columns(run: SavedRun, queries: SavedQueries) -> dict[str, Any]:
    """The queries as columns.

    Returns:
        `frames`: what is put to the model, with [X] in the place of the subject, each once. `cells`: for each model and
        localizer, in the order of `fact_columns` and with its rows, `d_ff`; `n` (queries of each row); for each query
        `frame` (place of its frame), `known` (a letter, 0 or 1) and `kn` (number of its neurons); `neurons`: their ids,
        the first of a query as it is, the others as the distance from the one before, or None where they are too many
        for a page; `shared`: of each row the neurons of more than one query that most queries have, with `n`, `neuron`
        and `count`.
    """
    frames: dict[str, int] = {}
    cells = [_cell(run, queries, model, localizer, frames) for model, localizer in run.cells()]
    return {"frames": list(frames), "cells": cells}


def _cell(run: SavedRun, queries: SavedQueries, model: str, localizer: str, frames: dict[str, int]) -> dict[str, Any]:
    uids = pd.Index(of_cell(run.facts, model, localizer)["fact_uid"].astype(str))
    table = queries.table
    here = np.flatnonzero(((table["model"] == model) & (table["localizer"] == localizer)).to_numpy(dtype=bool))
    row = _rows(table["fact_uid"].iloc[here], uids)
    here, row = here[row >= 0], row[row >= 0]
    order = np.argsort(row, kind="stable")
    here, row = here[order], row[order]
    mine, sets = table.iloc[here], queries.sets.take(here)
    codes, texts = pd.factorize(mine["frame"])
    places = np.array([frames.setdefault(clean(str(text)), len(frames)) for text in texts], dtype=np.int64)
    return {
        "d_ff": int(mine["d_ff"].iloc[0]) if len(mine) else 1,
        "n": np.bincount(row, minlength=len(uids)).tolist(),
        "frame": places[codes].tolist(),
        "known": "".join(np.where(mine["known"].to_numpy(dtype=bool), "1", "0").tolist()),
        "kn": sets.sizes.tolist(),
        "neurons": _distances(sets) if holds_neurons(run) else None,
        "shared": _shared(sets, row, len(uids)),
    }


def _rows(uids: pd.Series, rows: pd.Index) -> Int[np.ndarray, " queries"]:
    """The row of every query's fact, -1 where the cell has no such fact; of two facts of a uid the first."""
    codes, texts = pd.factorize(uids)
    first = {uid: place for place, uid in reversed(list(enumerate(rows)))}
    place = np.array([first.get(str(text), -1) for text in texts], dtype=np.int64)
    return place[codes] if len(codes) else np.zeros(0, dtype=np.int64)


def _distances(sets: QuerySets) -> list[int]:
    """Ids as distances from the one before within a query, which deflate to half of their size."""
    distances = np.diff(sets.neurons, prepend=0)
    starts = sets.offsets[:-1][sets.sizes > 0]
    distances[starts] = sets.neurons[starts]
    return distances.tolist()


def _shared(sets: QuerySets, row: Int[np.ndarray, " queries"], n_rows: int) -> dict[str, list[int]]:
    """Of each row the neurons of more than one query, those of most queries first, at most `MOST_SHARED`."""
    stride = int(sets.neurons.max(initial=0)) + 1
    keys, count = np.unique(np.repeat(row, sets.sizes) * stride + sets.neurons, return_counts=True)
    keys, count = keys[count > 1], count[count > 1]
    owner, neuron = keys // stride, keys % stride
    order = np.lexsort((neuron, -count, owner))
    owner, neuron, count = owner[order], neuron[order], count[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner, side="left")
    kept = rank < MOST_SHARED
    return {
        "n": np.bincount(owner[kept], minlength=n_rows).tolist(),
        "neuron": neuron[kept].tolist(),
        "count": count[kept].tolist(),
    }
