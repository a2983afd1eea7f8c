"""The facts of all cells in little space: columns of numbers, every text once, deflated and in base64.

25,000 facts under three localizers would be some ten megabytes of table; packed they are a fifth of that, and the page
makes a table row only when it is looked at.
"""

import base64
import json
import zlib
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from harness.records import RunRecord
from reports.classes import Cut, classes, cuts_of
from reports.html.markup import clean
from reports.run import SavedRun

_KEY: Final = ["fact_uid", "relation", "subject", "object"]
_DIGITS: Final = {"neurons_per_query": 2, "cs1": 4, "cs2": 4}
_COUNTS: Final = ("n_queries", "n_known", "union_size")


def packed_facts(run: SavedRun) -> str:
    """The facts as the page's script reads them."""
    return packed(fact_columns(run))


def packed(columns: dict[str, Any]) -> str:
    """Columns as base64 of zlib of JSON; no letter of it can end a script element."""
    text = json.dumps(columns, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), level=9)).decode("ascii")


def fact_columns(run: SavedRun) -> dict[str, Any]:
    """The facts as columns.

    Returns:
        `texts`: every text once. `facts`: for each of uid, relation, subject and object one number a fact, the place
        of its text. `cells`: for each model and localizer its `cuts` and the columns `fact` (place of the fact), counts
        and scores (None where there is none) and `classes`: for each cut a letter a fact, `1` for K_I, `2` for K_II
        and `-` for none.
    """
    facts = run.facts
    texts: dict[str, int] = {}
    keys = facts[_KEY].astype(str).drop_duplicates(ignore_index=True)
    columns = {name: _places(keys[name], texts) for name in _KEY}
    place = {key: index for index, key in enumerate(keys.itertuples(index=False, name=None))}
    cells = [
        _cell(run.record, model, localizer, of_cell(facts, model, localizer), place) for model, localizer in run.cells()
    ]
    return {"texts": list(texts), "facts": columns, "cells": cells}


def _places(column: Iterable[str], texts: dict[str, int]) -> list[int]:
    return [texts.setdefault(clean(text), len(texts)) for text in column]


def _cell(
    record: RunRecord, model: str, localizer: str, facts: pd.DataFrame, place: dict[tuple[str, ...], int]
) -> dict[str, Any]:
    cuts: list[Cut] = cuts_of(record, model, localizer)
    cs2 = facts["cs2"].to_numpy(dtype=float)
    rows = facts[_KEY].astype(str).itertuples(index=False, name=None)
    return {
        "model": clean(model),
        "localizer": clean(localizer),
        "cuts": [{"threshold": clean(cut.threshold), "cut": round(cut.value, 4)} for cut in cuts],
        "fact": [place[row] for row in rows],
        **{name: _counts(facts, name) for name in _COUNTS},
        **{name: _numbers(facts, name, digits) for name, digits in _DIGITS.items()},
        "classes": [classes(cs2, cut) for cut in cuts],
    }


def of_cell(facts: pd.DataFrame, model: str, localizer: str) -> pd.DataFrame:
    """The facts of a model and localizer, in the order of the file."""
    return facts.loc[(facts["model"] == model) & (facts["localizer"] == localizer), :]


def _counts(facts: pd.DataFrame, name: str) -> list[int | None] | None:
    numbers = _numbers(facts, name, 0)
    return None if numbers is None else [None if value is None else int(value) for value in numbers]


def _numbers(facts: pd.DataFrame, name: str, digits: int) -> list[float | None] | None:
    """A column rounded; None if the run has no such column."""
    if name not in facts:
        return None
    values = facts[name].to_numpy(dtype=float)
    rounded = np.round(values, digits).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()
