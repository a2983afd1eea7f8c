"""Saved runs: `<store>/runs/NNNN_name/`, numbered in the order in which they were saved."""

import io
import re
import secrets
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
from harness.store.lock import alone
from harness.store.saved import number_and_name, saved_runs

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def save_run(
    root: Path,
    name: str,
    record: RunRecord,
    facts: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame | pa.Table] | None = None,
) -> Path:
    """Writes a run into a folder of its own, which is there when it is complete.

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
    unfinished = root / "runs" / f".{secrets.token_hex(8)}.tmp"  # half a run would be taken for a whole one
    try:
        for file, content in files.items():
            (unfinished / file).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(unfinished / file, content)
        return _numbered(unfinished, root, name)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise StoreError(
            f"the run cannot be saved: {error.strerror}. Localizations that are stored stay, so the same command"
            " judges again in little time",
            path=root / "runs",
        ) from error


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


def _numbered(unfinished: Path, root: Path, name: str) -> Path:
    """Gives a folder that is complete the next number; processes that save at once get different ones."""
    with alone(root / "runs" / ".lock", lambda: None):
        number = max((number_and_name(run)[0] for run in saved_runs(root)), default=0) + 1
        return unfinished.rename(root / "runs" / f"{number:04d}_{name}")
