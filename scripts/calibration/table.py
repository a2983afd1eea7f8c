"""How often every rule errs and sees, as a table that comes with the package: reports draw it beside a run."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.atomic import write_atomically
from scripts.calibration.criterion import most_errors
from scripts.calibration.page import Page
from scripts.calibration.results import Counted
from scripts.calibration.rules import RULES

TABLE: Final = Path("reports/calibration.csv")
COLUMNS: Final = (
    *("rule", "claims", "truth", "world", "asked", "facts", "relations", "populations", "share", "allowed"),
)


def table_rows(counted: Mapping[str, Counted]) -> Iterator[tuple[object, ...]]:
    """A row a rule, world and size that was drawn.

    Yields:
        The rule; the claims that it decides; whether it says what is `wrong` or what is `right` of the world; the
        world; 1 for the one in which its power is looked at; facts a relation; relations; populations; the share of
        them in which it says so; how often a rule may say what is wrong, empty for what is right.
    """
    page = Page(counted)
    for rule in RULES:
        asked = rule.asked or rule.right[0]
        for truth, worlds in (("wrong", rule.wrong), ("right", rule.right)):
            for world, (relations, facts), found in page.cells(rule, worlds):
                allowed = most_errors(relations) if truth == "wrong" else ""
                looked_at = int(truth == "right" and world == asked)
                yield (
                    *(rule.name, " ".join(rule.decides), truth, world, looked_at),
                    *(facts, relations, found.draws, round(found.value, 4), allowed),
                )


def write_table(path: Path, counted: Mapping[str, Counted]) -> None:
    """Writes the table; the same counts give the same bytes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(table_rows(counted))
    write_atomically(path, stream.getvalue().encode())
