"""`kntests status`: what is being localized into a store right now, in whatever process."""

import argparse
import time
from pathlib import Path
from typing import Final

from tabulate import tabulate

from harness.errors import StoreError
from harness.execution.status import Running, running
from plugins.options import add_like_pytest
from plugins.progress import clock

SILENT_SECONDS: Final = 600.0
"""A process of another host that says nothing for so long may have ended; a shard takes seconds to minutes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which store."""
    add_like_pytest(parser, ["store"])


def run(arguments: argparse.Namespace) -> int:
    """Prints a line a localization.

    Raises:
        StoreError: there is no store.
    """
    now, root = time.time(), Path(arguments.store).expanduser()
    if not root.is_dir():
        raise StoreError("there is no store here; --store names one", path=root)
    rows = [_row(one, now) for one in running(root)]
    heads = ["localizing", "queries", "queries/s", "left", "for", "process", ""]
    print(tabulate(rows, headers=heads, tablefmt="simple", disable_numparse=True) if rows else "nothing is localized")
    return 0


def _row(one: Running, now: float) -> list[str]:
    left = one.seconds_left(now)
    return [
        one.label,
        f"{one.done:,} of {one.total:,}",
        "" if one.rate is None else f"{one.rate:.1f}",
        "" if left is None or one.dead else clock(left),
        clock(now - one.since),
        f"{one.pid} on {one.host}",
        _remark(one, now),
    ]


def _remark(one: Running, now: float) -> str:
    if one.dead:
        return "has ended before it was done; the same command resumes"
    silent = now - one.updated
    return f"silent for {clock(silent)}" if silent > SILENT_SECONDS else ""
