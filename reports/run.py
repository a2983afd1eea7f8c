"""A saved run with everything that reports are made of: its record, its facts, its edits, what was measured."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from harness.errors import RecordError, StoreError
from harness.records import ClaimRow, RunRecord
from reports.frames import cells_of
from reports.load import load_run
from reports.saved_queries import SavedQueries, read_queries

_CELL: Final = ("model", "localizer")
FACT_COLUMNS: Final = (*_CELL, "fact_uid", "relation", "subject", "object", "n_queries", "n_known", "cs1", "cs2")
"""What `facts.csv` must have; one row a fact and cell."""

MEASURED_COLUMNS: Final = (*_CELL, "fact_uid", "relation")
"""What every file of `measured/` must have, its quantities aside."""

EDIT_COLUMNS: Final = (
    *MEASURED_COLUMNS,
    "editor",
    "kind",
    "reliability",
    "generalization",
    "locality",
    "average",
    "perplexity_change",
)
"""What `edits.csv` must have; one row an edit."""

_FIGURE_FILE: Final = re.compile(r"figure-\d+\.csv")
_WORDS: Final = frozenset(
    {"model", "localizer", "fact_uid", "relation", "subject", "object", "editor", "kind"}
    | {"threshold", "title", "row", "column", "group", "bar"}
)
"""Columns of words, whatever stands in them: the row of a heatmap may be called 7."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedRun:
    """A run as it lies on disk.

    Attributes:
        folder: the run's.
        record: manifest and claim rows.
        facts: one row a fact and cell (`FACT_COLUMNS` and more); nan where a fact has no score.
        edits: one row an edit (`EDIT_COLUMNS` and more); empty where nothing was edited.
        measured: what was measured a fact and cell, by the name of its file: `mapping`, `attention`.
        figures: the data of the paper's figures, by the name of its file, such as `figure-4`.
        queries: the queries of the facts with their neurons; None in a run of a version that saved none.
    """

    folder: Path
    record: RunRecord
    facts: pd.DataFrame
    edits: pd.DataFrame
    measured: dict[str, pd.DataFrame]
    figures: dict[str, pd.DataFrame]
    queries: SavedQueries | None = None

    @property
    def smoke(self) -> str | None:
        """Why the run is not a result, or None."""
        return self.record.manifest.smoke

    def rows(self, claim: str) -> dict[tuple[str, str, str], ClaimRow]:
        """The rows of a claim by model, localizer and threshold; those without a threshold are left out."""
        return {
            (row.model, row.localizer, row.threshold): row
            for row in self.record.claims
            if row.claim == claim and row.threshold is not None
        }

    def cells(self) -> list[tuple[str, str]]:
        """Model and localizer of every cell that has facts, in the order of the file."""
        return cells_of(self.facts)


def read_saved_run(path: Path | str) -> SavedRun:
    """Reads a run with all its tables.

    Args:
        path: the run's folder, or its `run.json`.

    Raises:
        StoreError: there is no such run, or a file of it cannot be read.
        RecordError: a record of another schema version, or a table without a column that it must have; the text names
            the file.
    """
    record = load_run(path)
    folder = Path(path)
    folder = folder if folder.is_dir() else folder.parent
    edits = folder / "edits.csv"
    return SavedRun(
        folder=folder,
        record=record,
        facts=_read(folder / "facts.csv", FACT_COLUMNS),
        edits=_read(edits, EDIT_COLUMNS) if edits.is_file() else pd.DataFrame(columns=list(EDIT_COLUMNS)),
        measured={file.stem: _read(file, MEASURED_COLUMNS) for file in sorted(folder.glob("measured/*.csv"))},
        figures={
            file.stem: _read(file, _CELL)
            for file in sorted(folder.glob("figures/figure-*.csv"), key=_figure_number)
            if _FIGURE_FILE.fullmatch(file.name)
        },
        queries=read_queries(folder),
    )


def _figure_number(file: Path) -> tuple[int, str]:
    digits = file.stem.removeprefix("figure-")
    return (int(digits) if digits.isdecimal() else 0, file.name)


def _read(file: Path, needed: Sequence[str]) -> pd.DataFrame:
    """A table with the columns that it must have; a file without a header is an empty table."""
    try:
        header = list(pd.read_csv(file, nrows=0).columns)
        # A subject may be called NA or None, so words are read as they stand and only numbers may be missing.
        frame = pd.read_csv(
            file,
            dtype={name: "str" for name in header if name in _WORDS},
            keep_default_na=False,
            na_values={name: ["", "nan"] for name in header if name not in _WORDS},
        )
    except FileNotFoundError:
        raise StoreError(
            "this run lacks the file; the same command again judges from what is stored, and saves a whole run",
            path=file,
        ) from None
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=list(needed))
    except (OSError, ValueError) as error:
        raise StoreError(f"this table cannot be read: {error}", path=file) from error
    missing = [name for name in needed if name not in header]
    if missing:
        raise RecordError(f"{file}: the column {missing[0]!r} is missing", field=missing[0])
    return frame
