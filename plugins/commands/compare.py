"""`kntests compare`: two saved runs edit by edit, and whether the second is worse than it may be."""

import argparse
from pathlib import Path

from harness.store.saved import find_run
from plugins.options import add_like_pytest
from plugins.settings import whole
from reports.gate.differences import compare_runs
from reports.gate.edited_run import load_edited_run
from reports.gate.limits import EXAMPLE, parse_limits
from reports.gate.tables import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two runs, what may get worse, and how to show it."""
    parser.add_argument("reference", metavar="A", help="the earlier run: its name, its number or its folder")
    parser.add_argument("new", metavar="B", help="the later run")
    parser.add_argument(
        "--fail",
        metavar="EXPR",
        help="how much worse each metric may get, such as " + EXAMPLE.replace("%", "%%") + "; exit status 1 where one"
        " is worse than that.",
    )
    parser.add_argument("--format", choices=list(FORMATS), default="terminal", help="Default: terminal.")
    add_like_pytest(parser, ("draws", "seed", "store"))


def run(arguments: argparse.Namespace) -> int:
    """Prints every difference; 1 if one exceeds its limit.

    Raises:
        ConfigError: the limits cannot be read, or the runs cannot be compared.
        StoreError: a run is not there.
    """
    limits = () if arguments.fail is None else parse_limits(arguments.fail)
    store = Path(arguments.store).expanduser()
    reference, new = (load_edited_run(find_run(store, name)) for name in (arguments.reference, arguments.new))
    comparison = compare_runs(
        reference,
        new,
        limits,
        draws=whole("draws", arguments.draws, 100),
        seed=whole("seed", arguments.seed, 0),
    )
    print(FORMATS[arguments.format](comparison))
    return 1 if comparison.regressions() else 0
