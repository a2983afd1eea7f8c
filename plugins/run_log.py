"""What a session has come to so far: claim rows, as they arrive with the reports of their tests."""

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.records import ClaimRow

PROPERTY = "kn_claim_row"
"""Name of the report property that carries a row, as JSON text: only builtins survive the way between processes."""


def attach_row(item: pytest.Item, row: ClaimRow) -> None:
    """Hands a row to the report of the test that is running."""
    item.user_properties.append((PROPERTY, json.dumps(row.to_dict(), allow_nan=False)))


def rows_of(report: pytest.TestReport | pytest.CollectReport) -> list[ClaimRow]:
    """The rows that a report carries."""
    properties = getattr(report, "user_properties", [])
    return [ClaimRow.from_dict(json.loads(str(value))) for name, value in properties if name == PROPERTY]


@dataclass(slots=True, eq=False)
class RunLog:
    """Collects what the summary shows and the saved run holds.

    Attributes:
        rows: every claim row, in the order of the reports.
        folder: where the run was saved, if it was.
        smoke: why the run is not a result, or None.
        notes: what else the user has to know, one line each.
        collecting: whether pytest has begun to collect.
    """

    rows: list[ClaimRow] = field(default_factory=list[ClaimRow])
    folder: Path | None = None
    smoke: str | None = None
    notes: list[str] = field(default_factory=list[str])
    collecting: bool = False

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Takes note of it."""
        self.collecting = True
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes the rows of a test; properties are repeated on the report of every later phase."""
        if report.when == "call":
            self.rows.extend(rows_of(report))


_RUN_LOG = pytest.StashKey[RunLog]()


def run_log(config: pytest.Config) -> RunLog:
    """The session's log."""
    return config.stash.setdefault(_RUN_LOG, RunLog())


def pytest_configure(config: pytest.Config) -> None:
    """Lets the log listen."""
    config.pluginmanager.register(run_log(config), "kntests-run-log")
