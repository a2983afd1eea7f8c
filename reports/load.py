"""Reads saved runs."""

from pathlib import Path

from harness.errors import RecordError, StoreError
from harness.records import RunRecord


def load_run(path: Path | str) -> RunRecord:
    """A saved run.

    Args:
        path: the run's folder, or its `run.json`.

    Raises:
        StoreError: there is no such file, or it cannot be read.
        RecordError: it is no run record of this schema version; the text names the file.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "run.json"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StoreError("no saved run here; a run is a folder with a run.json", path=file) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"this run cannot be read: {error}", path=file) from error
    try:
        return RunRecord.from_json(text)
    except RecordError as error:
        raise RecordError(f"{file}: {error}", field=error.field) from error
