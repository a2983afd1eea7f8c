"""The terminal summary: one table a claim, the reasons below it, and where the run was saved."""

import pytest

from harness.records import ClaimRow
from plugins.run_log import run_log
from plugins.verdicts import COLOURS
from reports.tables import table1

Reporter = pytest.TerminalReporter


def pytest_terminal_summary(terminalreporter: Reporter, config: pytest.Config) -> None:
    """Shows what the session found; says nothing in a session without claims."""
    log = run_log(config)
    for claim in dict.fromkeys(row.claim for row in log.rows):
        _show_claim(terminalreporter, [row for row in log.rows if row.claim == claim])
    if log.rows:
        loads = ", ".join(f"{model} {count}" for model, count in sorted(log.loads.items()))
        terminalreporter.write_line("")
        terminalreporter.write_line(f"models loaded: {loads or 'none, the store had everything'}")
    for line in log.precision:
        terminalreporter.write_line(line)
    if log.smoke is not None:
        terminalreporter.write_line(f"smoke run, not a result: {log.smoke}", yellow=True)
    if log.folder is not None:
        terminalreporter.write_line(f"saved in {log.folder}")
    for note in log.notes:
        terminalreporter.write_line(note, yellow=True)


def _show_claim(reporter: Reporter, rows: list[ClaimRow]) -> None:
    reporter.section(f"{rows[0].claim} ({rows[0].marker})")
    reporter.write_line(rows[0].statement)
    reporter.write_line("")
    header, *lines = table1(rows).text().splitlines()
    reporter.write_line(header, bold=True)
    rule, *lines = lines
    reporter.write_line(rule)
    for line, row in zip(lines, rows, strict=True):
        # The verdict is the last column, so what stands before it ends where the verdict's word begins.
        before = line.rindex(row.verdict) if row.expected is None else line.index(row.verdict)
        reporter.write(line[:before])
        reporter.write_line(line[before:], **{COLOURS[row.verdict]: True})
    reporter.write_line("")
    for row in rows:
        reporter.write_line(f"{row.model} {row.localizer} {row.threshold or ''}".rstrip() + f": {row.reason}")
