"""The terminal summary: one table a claim, the reasons below it, and where the run was saved."""

import os
import shutil

import pytest

from harness.records import ClaimRow
from plugins.run_log import run_log
from plugins.verdicts import COLOURS
from reports.claim_tables import claim_table
from reports.formats import terminal

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
    paint = COLOURS if reporter.hasmarkup else None
    reporter.write_line(terminal.render_grid(claim_table(rows), width=_width(reporter), paint=paint))
    reporter.write_line("")
    for row in rows:
        reporter.write_line(f"{row.model} {row.localizer} {row.threshold or ''}".rstrip() + f": {row.reason}")


def _width(reporter: Reporter) -> int | None:
    """Characters of a line where somebody looks at a terminal or says how many; None in a file, which has no end."""
    if not reporter.isatty() and "COLUMNS" not in os.environ:
        return None
    return shutil.get_terminal_size().columns
