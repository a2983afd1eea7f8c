"""Rows of a data frame by what stands in its columns, with the types that pandas leaves open."""

from typing import Any, cast

import numpy as np
import pandas as pd
from jaxtyping import Float


def only(frame: pd.DataFrame, **values: str) -> pd.DataFrame:
    """The rows in which every named column says what is given."""
    kept = np.ones(len(frame), dtype=bool)
    for name, value in values.items():
        kept &= (frame[name] == value).to_numpy(dtype=bool)
    return cast(pd.DataFrame, frame[kept])


def known(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows that have a number in that column."""
    return cast(pd.DataFrame, frame[frame[name].notna()])


def groups(frame: pd.DataFrame, *names: str) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    """What stands in those columns of words, and its rows, in order of appearance."""
    parts = cast(Any, frame.groupby(list(names), sort=False))
    return [(tuple(str(part) for part in key), rows) for key, rows in parts]


def numbers(frame: pd.DataFrame, name: str) -> Float[np.ndarray, " rows"]:
    """A column of numbers; nan where there is none."""
    return frame[name].to_numpy(np.float64)


def words(frame: pd.DataFrame, name: str) -> list[str]:
    """What stands in a column of words, each once, in order of appearance."""
    return [str(value) for value in frame[name].unique()]


def cells_of(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Model and localizer of the rows, each pair once, in order of appearance."""
    return [(row["model"], row["localizer"]) for row in records(frame.filter(["model", "localizer"]).drop_duplicates())]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, each by the names of its columns."""
    return cast(list[dict[str, Any]], frame.to_dict("records"))
