"""The command `kntests`: what is of use beside a run of the benchmark. One module a command.

The module of a command is imported when that command is asked for, so that fetching data or checking a folder does not
cost the seconds that importing torch takes.
"""

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from functools import cache
from typing import Final, Protocol, cast

from harness.errors import HarnessError
from harness.execution.leaving import ending_when_interrupted, leave_soon

COMMANDS: Final = {
    "fetch": "bring data from its public home into the cache",
    "check-data": "read a data folder; say what it gives, or every line that is wrong",
    "show": "show what localization finds for one fact",
    "localize": "fill the store with what claims will need, without pytest",
    "status": "show what is being localized into a store right now",
    "store": "show what a store holds, whether it is sound, and what in it can go",
    "list": "show which runs a store has and what they came to",
    "report": "write tables and figures of a saved run",
    "compare": "compare the edits of two saved runs; fail where the later one is worse than it may be",
    "sensitivity": "show how far results depend on the selection of neurons and on the quadrature",
}
"""Every command and what it does; its module has the same name, with underscores."""

_KEPT: Final = "what was finished is kept, the same command resumes"

_MODULES: Final = {"list": "runs"}
"""Command whose module has another name: here, `list` has to stay what it is everywhere."""


class Command(Protocol):
    """What the module of a command holds."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds what the command takes."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Does it and returns the exit status."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: what stands behind `kntests`; the process's own arguments if None.

    Returns:
        the exit status: 0, 1 where the command found what it looks for to be wrong, 2 for an error that says what to
        do, 130 after an interruption, 141 where nobody reads the output any more.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    chosen = next((word for word in words if not word.startswith("-")), None)
    told = f"kntests {chosen}: interrupted; {_KEPT}: {shlex.join(['kntests', *words])}\n"
    tell = cache(lambda: sys.stderr.write(told))  # once, whoever comes first
    try:
        with ending_when_interrupted(130, tell):
            status = _run(words, chosen)
        sys.stdout.flush()
        return status
    except HarnessError as error:
        print(f"kntests {chosen}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        tell()
        leave_soon(130)
        return 130
    except BrokenPipeError:  # whoever read the output, such as `head`, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _run(words: list[str], chosen: str | None) -> int:
    """Imports the chosen command, which takes seconds where it needs torch, and runs it."""
    parser = argparse.ArgumentParser(prog="kntests", description="Beside the benchmark, which is `pytest kntests`:")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parsers = {name: commands.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}
    command = None
    if chosen in COMMANDS:
        module = _MODULES.get(chosen, chosen.replace("-", "_"))
        command = cast(Command, importlib.import_module(f"{__name__}.{module}"))
        command.add_arguments(parsers[chosen])
    arguments = parser.parse_args(words)
    assert command is not None, "argparse lets no other command pass"
    return command.run(arguments)
