"""`kntests report`: writes the reports of a saved run again, in any format, without a model."""

import argparse
from pathlib import Path

from harness.errors import ConfigError
from harness.store.saved import LAST, find_run
from plugins.options import add_like_pytest
from reports.asked import ALL, FORMATS, check_formats
from reports.run import read_saved_run
from reports.writing import write_reports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, the formats and where to."""
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        default=LAST,
        help="a run's number, the name that it was saved under, its folder, or `last`. Default: last.",
    )
    parser.add_argument(
        "--format",
        metavar="LIST",
        default=ALL,
        help=f"what to write, separated by commas: {', '.join(FORMATS)}, or {ALL}. Default: {ALL}.",
    )
    parser.add_argument("--out", metavar="DIR", help="folder to write into. Default: the run's own.")
    add_like_pytest(parser, ("store",))


def run(arguments: argparse.Namespace) -> int:
    """Writes the files and names them.

    Raises:
        ConfigError: no such format.
        HarnessError: there is no such run, it cannot be read, or the folder cannot be written.
    """
    names = [name.strip() for name in arguments.format.split(",") if name.strip()]
    if not names:
        raise ConfigError("--format needs at least one entry", setting="format", value=arguments.format)
    formats = check_formats(names, "format")
    saved = read_saved_run(find_run(Path(arguments.store).expanduser(), arguments.run))
    folder = Path(arguments.out).expanduser() if arguments.out else saved.folder
    for path in write_reports(saved, folder, formats):
        print(path)
    if saved.smoke is not None:
        print(f"smoke run, not a result: {saved.smoke}")
    return 0
