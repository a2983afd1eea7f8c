"""The queries of a saved run with their knowledge neurons: `queries.parquet` and `patterns.csv`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.consistency import QuerySets
from harness.errors import ConfigError, RecordError, StoreError

_COLUMNS: Final = ("model", "localizer", "fact_uid", "pattern_id", "known", "d_ff", "neurons")
_PATTERN_COLUMNS: Final = ("model", "relation", "pattern_id", "frame")
_KEY: Final = ["model", "pattern_id"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedQueries:
    """The scored queries of all cells.

    Attributes:
        table: one row a query, those of a fact in their order: `model`, `localizer`, `fact_uid`, `frame` (what is put
            to the model, with [X] in the place of the subject), `known`, `d_ff` (neurons of a layer).
        sets: the knowledge neurons of every row, as ids layer * d_ff + index.
    """

    table: pd.DataFrame
    sets: QuerySets


def read_queries(folder: Path) -> SavedQueries | None:
    """Reads the queries of a run; None if the run is of a version that saved none.

    Args:
        folder: the run's.

    Raises:
        StoreError: a file is missing or cannot be read, or no pattern is saved for a query.
        RecordError: a table lacks a column that it must have.
    """
    path, patterns = folder / "queries.parquet", folder / "patterns.csv"
    if not path.is_file():
        return None
    try:
        saved = pq.read_table(path)
        frames = pd.read_csv(patterns, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # Arrow's errors are among them
        raise StoreError(f"the queries cannot be read: {error}", path=folder) from error
    _check(saved.column_names, _COLUMNS, path)
    _check(list(frames), _PATTERN_COLUMNS, patterns)
    table = saved.drop_columns(["neurons"]).to_pandas()
    table = table.merge(frames[[*_KEY, "frame"]], on=_KEY, how="left", validate="many_to_one")
    if table["frame"].isna().any():
        raise StoreError("some queries are of patterns that are not saved", path=patterns)
    return SavedQueries(table=table.drop(columns="pattern_id"), sets=_sets(saved, path))


def _check(present: list[str], needed: tuple[str, ...], file: Path) -> None:
    for name in needed:
        if name not in present:
            raise RecordError(f"{file}: the column {name!r} is missing", field=name)


def _sets(saved: pa.Table, path: Path) -> QuerySets:
    lists = saved["neurons"].combine_chunks()
    try:
        return QuerySets(lists.offsets.to_numpy().astype("int64"), lists.values.to_numpy().astype("int64"))
    except (AttributeError, ConfigError) as error:
        raise StoreError(f"the neurons of the queries cannot be read: {error}", path=path) from error
