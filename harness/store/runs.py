"""Saved runs: `<store>/runs/NNNN_name/`, numbered in the order in which they were saved."""

import io
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.atomic import write_atomically
from harness.errors import ConfigError, StoreError
from harness.records import RunRecord

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def save_run(
    root: Path,
    name: str,
    record: RunRecord,
    facts: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame | pa.Table] | None = None,
) -> Path:
    """Writes a run into a folder of its own.

    Args:
        root: the store.
        name: what comes behind the number; letters, digits, dot, dash, underscore.
        record: manifest and claim rows; becomes `run.json`, the rows without extras `results.csv`.
        facts: one row a fact and cell; becomes `facts.csv`.
        tables: more of them, by their path within the folder; frames are written as CSV, Arrow's tables as Parquet.

    Returns:
        The folder.

    Raises:
        ConfigError: a name that is no file name.
        StoreError: the folder cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"a run's name is letters, digits, '.', '_' and '-', got {name!r}", setting="save", value=name
        )
    rows = [{k: v for k, v in row.to_dict().items() if k != "extras"} for row in record.claims]
    files = {
        "run.json": record.to_json().encode(),
        "results.csv": _written(pd.DataFrame(rows)),
        "facts.csv": _written(facts),
        **{file: _written(table) for file, table in (tables or {}).items()},
    }
    folder = None
    try:
        folder = _new_folder(root / "runs", name)
        for file, content in files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            write_atomically(folder / file, content)
    except OSError as error:
        if folder is not None:  # half a run would be taken for a whole one
            shutil.rmtree(folder, ignore_errors=True)
        raise StoreError(
            f"the run cannot be saved: {error.strerror}. Localizations that are stored stay, so the same command"
            " judges again in little time",
            path=root / "runs",
        ) from error
    return folder


def save_precision(folder: Path, precision: Mapping[str, dict[str, Any]]) -> None:
    """Adds to a saved run what its low precision changed, as `precision` of each model in the manifest.

    Args:
        folder: the run's.
        precision: builtins by the name of the model.

    Raises:
        StoreError: the run cannot be written; it stays as it was.
    """
    path = folder / "run.json"
    try:
        record = RunRecord.from_json(path.read_text(encoding="utf-8"))
        models = {
            name: {**told, "precision": precision[name]} if name in precision else told
            for name, told in record.manifest.models.items()
        }
        record = replace(record, manifest=replace(record.manifest, models=models))
        write_atomically(path, record.to_json().encode())
    except OSError as error:
        raise StoreError(f"the saved run cannot be written: {error.strerror}", path=path) from error


def _written(table: pd.DataFrame | pa.Table) -> bytes:
    if isinstance(table, pd.DataFrame):
        return table.to_csv(index=False).encode()
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def _new_folder(runs: Path, name: str) -> Path:
    """Creates the folder with the next free number; two processes that try the same number get different ones."""
    runs.mkdir(parents=True, exist_ok=True)
    number = max((int(p.name[:4]) for p in runs.iterdir() if re.match(r"\d{4}_", p.name)), default=0) + 1
    while any(runs.glob(f"{number:04d}_*")):
        number += 1
    folder = runs / f"{number:04d}_{name}"
    folder.mkdir()
    return folder
