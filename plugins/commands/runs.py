"""`kntests list`: the runs of a store, with what they came to."""

import argparse
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.store.saved import number_and_name, saved_runs
from plugins.options import add_like_pytest
from plugins.verdicts import COLOURS
from reports.formats import terminal
from reports.load import load_run
from reports.table import MISSING, Cell, Table, column, number, word

_COLUMNS: Final = (
    column("number", "run"),
    column("name", "name", align="left"),
    column("created", "saved (UTC)", align="left"),
    column("model", "models", align="left"),
    column("verdicts", "verdicts", align="left"),
    column("smoke", "not a result because", align="left"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The store."""
    add_like_pytest(parser, ("store",))


def run(arguments: argparse.Namespace) -> int:
    """Prints a line a run; one that cannot be read says why, and the exit status is 1.

    Raises:
        StoreError: the store cannot be read.
    """
    store = Path(arguments.store).expanduser()
    folders = saved_runs(store)
    if not folders:
        print(f"no saved run in {store}; `pytest kntests` saves one")
        return 0
    rows = [_row(folder) for folder in folders]
    table = Table(name="runs", title="Saved runs", columns=_COLUMNS, rows=tuple(cells for cells, _ in rows))
    watched = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if watched else None
    print(terminal.render_grid(table.without_empty_columns(), width=width, paint=COLOURS if watched else None))
    return 0 if all(readable for _, readable in rows) else 1


def _row(folder: Path) -> tuple[tuple[Cell, ...], bool]:
    """What a run is in a line, and whether it could be read."""
    run_number, name = number_and_name(folder)
    try:
        record = load_run(folder)
    except HarnessError as error:
        return (number(run_number, 0), word(name), *(word(None),) * 2, word(f"unreadable: {error}"), word(None)), False
    manifest = record.manifest
    counts = Counter(row.verdict for row in record.claims)
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in COLOURS if counts[verdict])
    cells = (
        number(run_number, 0),
        word(name),
        word(manifest.created.removesuffix("+00:00").replace("T", " ")),
        word(", ".join(manifest.models)),
        word(verdicts or MISSING),
        word(manifest.smoke),
    )
    return cells, True
