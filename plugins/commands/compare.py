"""`kntests compare`: saved runs side by side, and whether a later one edits worse than it may."""

import argparse
import importlib
import os
import shutil
import sys
from pathlib import Path

from harness.atomic import write_atomically
from harness.errors import ConfigError, StoreError
from harness.store.saved import find_run
from plugins.options import add_like_pytest
from plugins.settings import whole
from reports.compare.formats import HTML, TEXTS, as_terminal
from reports.compare.side_by_side import SideBySide, compare_saved
from reports.gate.limits import EXAMPLE, parse_limits
from reports.run import read_saved_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, what may get worse, and how to show it."""
    parser.add_argument("reference", metavar="A", help="the earlier run: its name, its number or its folder")
    parser.add_argument("new", metavar="B", nargs="+", help="the later run; of several, each is held against A")
    parser.add_argument(
        "--fail",
        metavar="EXPR",
        help="how much worse each metric of edits may get, such as "
        + EXAMPLE.replace("%", "%%")
        + "; exit status 1 where one is worse than that.",
    )
    parser.add_argument("--format", choices=[*TEXTS, HTML], default="terminal", help="Default: terminal.")
    parser.add_argument("--out", metavar="FILE", help="file to write instead of printing.")
    add_like_pytest(parser, ("draws", "seed", "store"))


def run(arguments: argparse.Namespace) -> int:
    """Shows verdicts and every difference; 1 if one exceeds its limit.

    Raises:
        ConfigError: the limits cannot be read, or the runs cannot be compared.
        StoreError: a run is not there, or the file cannot be written.
    """
    limits = () if arguments.fail is None else parse_limits(arguments.fail)
    store = Path(arguments.store).expanduser()
    folders = [find_run(store, name) for name in (arguments.reference, *arguments.new)]
    if len(set(folders)) < len(folders):
        raise ConfigError("a run cannot be compared with itself", setting="runs", value=arguments.new)
    compared = compare_saved(
        [read_saved_run(folder) for folder in folders],
        limits,
        draws=whole("draws", arguments.draws, 100),
        seed=whole("seed", arguments.seed, 0),
    )
    text = _written(compared, arguments.format, to_screen=arguments.out is None)
    if arguments.out is None:
        print(text)
    else:
        _save(Path(arguments.out).expanduser(), f"{text}\n")
    return 1 if compared.fails() else 0


def _written(compared: SideBySide, form: str, *, to_screen: bool) -> str:
    if form == HTML:  # what a page is made of takes seconds to import
        return importlib.import_module("reports.html.comparison").comparison_page(compared).rstrip("\n")
    if form == "terminal" and to_screen and (sys.stdout.isatty() or "COLUMNS" in os.environ):
        return as_terminal(compared, width=shutil.get_terminal_size().columns)
    return TEXTS[form](compared)


def _save(path: Path, text: str) -> None:
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise StoreError(f"the comparison cannot be written: {error.strerror}", path=path) from error
    print(path)
