"""What a session has come to so far: claim rows, as they arrive with the reports of their tests."""

import json
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.records import ClaimRow
from plugins.junit import junit_properties

PROPERTY = "kn_claim_row"
"""Name of the report property that carries a row, as JSON text: only builtins survive the way between processes."""

EFFORT = "kn_effort"
"""Name of the report property that says what a test localized and loaded, as JSON text."""


def attach_row(item: pytest.Item, row: ClaimRow) -> None:
    """Hands a row to the report of the test that is running."""
    item.user_properties.append((PROPERTY, json.dumps(row.to_dict(), allow_nan=False)))
    item.user_properties.extend(junit_properties(row))


def attach_effort(item: pytest.Item, cells: Iterable[tuple[str, str]], loads: Mapping[str, int]) -> None:
    """Hands to the report of the test that is running what it cost.

    Args:
        item: the test.
        cells: model and localizer of the evidence that was gathered.
        loads: how often a model's weights were loaded.
    """
    item.user_properties.append((EFFORT, json.dumps({"cells": list(cells), "loads": dict(loads)})))


def rows_of(report: pytest.TestReport | pytest.CollectReport) -> list[ClaimRow]:
    """The rows that a report carries."""
    properties = getattr(report, "user_properties", [])
    return [ClaimRow.from_dict(json.loads(str(value))) for name, value in properties if name == PROPERTY]


@dataclass(slots=True, eq=False)
class RunLog:
    """Collects what the summary shows and the saved run holds, from reports alone: so it does not matter which process
    ran a test.

    Attributes:
        cells: names of model and localizer of all evidence that was gathered.
        loads: how often each model's weights were loaded.
        folder: where the run was saved, if it was.
        precision: how far the knowledge neurons are those of float32, one line a model and localizer.
        smoke: why the run is not a result, or None.
        notes: what else the user has to know, one line each.
        collecting: whether pytest has begun to collect.
    """

    cells: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    loads: Counter[str] = field(default_factory=Counter[str])
    folder: Path | None = None
    precision: list[str] = field(default_factory=list[str])
    smoke: str | None = None
    notes: list[str] = field(default_factory=list[str])
    collecting: bool = False
    _rows: dict[str, list[ClaimRow]] = field(default_factory=dict[str, list[ClaimRow]])
    _order: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def rows(self) -> list[ClaimRow]:
        """Every claim row, in the order in which the tests were collected, whichever came first."""
        tests = sorted(self._rows, key=lambda test: self._order.get(test, len(self._order)))
        return [row for test in tests for row in self._rows[test]]

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Takes note of it."""
        self.collecting = True
        return (yield)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Takes the order of the tests."""
        self._order = {item.nodeid: index for index, item in enumerate(session.items)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Takes the order of the tests from a worker, since the controller of pytest-xdist collects none."""
        self._order = {test: index for index, test in enumerate(ids)}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes what a test came to; properties are repeated on the report of every later phase.

        From the last one they are taken away, before a JUnit file is written that would hold every row once more.
        """
        if report.when == "teardown":
            kept = [entry for entry in report.user_properties if entry[0] not in (PROPERTY, EFFORT)]
            report.user_properties[:] = kept
        if report.when != "call":
            return
        if rows := rows_of(report):
            self._rows[report.nodeid] = rows
        for name, value in report.user_properties:
            if name == EFFORT:
                effort = json.loads(str(value))
                self.cells.update((model, localizer) for model, localizer in effort["cells"])
                self.loads.update(effort["loads"])


_RUN_LOG = pytest.StashKey[RunLog]()


def run_log(config: pytest.Config) -> RunLog:
    """The session's log."""
    return config.stash.setdefault(_RUN_LOG, RunLog())


def pytest_configure(config: pytest.Config) -> None:
    """Lets the log listen."""
    config.pluginmanager.register(run_log(config), "kntests-run-log")
