"""Writes what a run's reports consist of: a page, tables and figures, in the formats that are asked for."""

import importlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, cast

from harness.atomic import write_atomically
from harness.errors import StoreError
from reports.claim_tables import claim_tables
from reports.document import document
from reports.file_names import file_name, told_apart
from reports.formats import csv, latex
from reports.paper_tables import tables_of
from reports.run import SavedRun
from reports.table import Table

_TABLES: Final[dict[str, tuple[str, Callable[[Table], str]]]] = {
    "latex": (".tex", latex.render),
    "csv": (".csv", csv.render),
}


def page(run: SavedRun) -> str:
    """The run as a Markdown page."""
    return document(run.record, tables_of(run))


def write_reports(run: SavedRun, folder: Path, formats: Collection[str]) -> list[Path]:
    """Writes the run's reports; the same run gives the same files.

    Args:
        run: the run.
        folder: where `tables/` and `figures/` come to lie.
        formats: some of `reports.asked.FORMATS`.

    Returns:
        What was written.

    Raises:
        StoreError: the folder cannot be written, or leads elsewhere.
    """
    for name in ("tables", "figures"):
        if (folder / name).is_symlink():
            raise StoreError("is a link, so the reports would come to lie elsewhere", path=folder / name)
    files: dict[Path, str] = {}
    if formats:
        tables = tables_of(run)
        if "md" in formats:
            files[folder / "tables" / "verdicts.md"] = document(run.record, tables)
        if "html" in formats:  # its figures import matplotlib, which takes seconds
            files[folder / "report.html"] = importlib.import_module("reports.html").page(run)
        tables = [*claim_tables(run.record), *tables]
        for name, table in zip(told_apart(file_name(table.name) for table in tables), tables, strict=True):
            for ending, render in (_TABLES[form] for form in _TABLES if form in formats):
                files[folder / "tables" / f"{name}{ending}"] = render(table)
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text.encode())
    except OSError as error:
        raise StoreError(f"the reports cannot be written: {error.strerror}", path=folder) from error
    written = list(files)
    if "figures" in formats:
        # matplotlib takes seconds to import, which a run without figures should not.
        figures = importlib.import_module("reports.figures")
        written += cast(list[Path], figures.save_figures(figures.figures_of(run), folder / "figures"))
    return written
