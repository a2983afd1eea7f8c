"""From a verdict to pytest's outcome, and to the word and letter that the terminal shows for it."""

from collections.abc import Generator
from typing import Literal

import pytest

from harness.errors import HarnessError
from harness.records import ClaimRow
from plugins.run_log import rows_of

Outcome = Literal["passed", "failed", "skipped"]

MARKERS = {
    "statistical": "claims about how consistently a fact is localized (section 2.1)",
    "modification": "claims about editing what was localized (section 2.2)",
    "mapping": "claims about which queries share knowledge neurons (section 3.1)",
    "attention": "claims about attention choosing knowledge neurons (section 3.2)",
    "cas": "claims about consistency-aware selection (section 3.3)",
    "controls": "checks of the harness itself: nothing else means anything if they fail",
}
LETTERS = {"SUPPORTED": "S", "REFUTED": "R", "INCONCLUSIVE": "I", "NOT_APPLICABLE": "N", "VOID": "V"}
COLOURS = {"SUPPORTED": "green", "REFUTED": "red", "INCONCLUSIVE": "yellow", "NOT_APPLICABLE": "yellow", "VOID": "red"}
_FAILING = {"refuted": {"REFUTED", "VOID"}, "inconclusive": {"REFUTED", "VOID", "INCONCLUSIVE"}, "never": set[str]()}


def outcome(row: ClaimRow, fail_on: str) -> Outcome:
    """What pytest makes of a verdict.

    A built-in model carries an expected verdict: agreement passes, whatever it says, and disagreement fails, whatever
    `--fail-on` says, because then the harness and not the model is in doubt.
    """
    if row.expected is not None:
        return "passed" if row.verdict == row.expected else "failed"
    if row.verdict == "NOT_APPLICABLE":
        return "skipped"
    return "failed" if row.verdict in _FAILING[fail_on] else "passed"


def conclude(row: ClaimRow, fail_on: str) -> None:
    """Ends the running test as its verdict demands.

    Raises:
        pytest.fail.Exception: the verdict fails the test.
        pytest.skip.Exception: the claim does not apply.
    """
    what = outcome(row, fail_on)
    if what == "failed":
        pytest.fail(explanation(row), pytrace=False)
    if what == "skipped":
        pytest.skip(row.reason)


def explanation(row: ClaimRow) -> str:
    """Why a test failed, in a few lines."""
    cell = f"model {row.model}, localizer {row.localizer}"
    lines = [f"{row.verdict}: {row.statement}"]
    if row.expected is not None:
        lines = [
            f"{row.verdict}, but {row.model} carries {row.expected} as its expected verdict: {row.statement}",
            "  Its weights and facts did not change, so look for the change in the harness.",
        ]
    lines.append(f"  {cell}, threshold {row.threshold}" if row.threshold else f"  {cell}")
    lines.append(f"  {row.reason}")
    return "\n".join(lines)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the families of claims as markers."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows an error of the harness as its text, which says what to do, and a skipped claim where its test stands."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, HarnessError):
        report.longrepr = f"{type(call.excinfo.value).__name__}: {call.excinfo.value}"
    elif report.skipped and rows_of(report):
        path, line, _ = item.reportinfo()
        report.longrepr = (str(path), (line or 0) + 1, rows_of(report)[-1].reason)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport,
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Category, letter and word of a test that came to a verdict.

    A failing verdict stays in pytest's category `failed`, so that -x, --lf and the exit status know it.
    """
    rows = rows_of(report) if report.when == "call" else []
    if not rows:
        return None
    row = rows[-1]
    letter, word, colour = LETTERS[row.verdict], row.verdict, COLOURS[row.verdict]
    if report.skipped:
        return "skipped", letter, (word, {colour: True})
    if report.failed:
        return "failed", letter, (word if row.expected is None else f"{word}, UNEXPECTED", {"red": True})
    if row.verdict == "SUPPORTED":
        return "passed", letter, (word, {colour: True})
    if row.expected is None:
        return word.lower(), letter, (word, {colour: True})
    return f"{word.lower()} as expected", letter.lower(), (f"{word}, as expected", {"green": True})
