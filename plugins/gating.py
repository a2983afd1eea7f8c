"""`--compare` and `--compare-fail`: the session's edits held against those of an earlier run, once it is saved."""

import pytest

from harness.errors import HarnessError
from harness.store.saved import find_run
from plugins.benchmark import BENCHMARK
from plugins.run_log import run_log
from reports.gate.differences import REGRESSION, Comparison, compare_runs
from reports.gate.edited_run import EditedRun, load_edited_run
from reports.gate.tables import as_markdown, difference_lines, difference_table


class Gate:
    """Compares when the run is saved, and shows what it finds in the summary."""

    def __init__(self, config: pytest.Config, reference: EditedRun) -> None:
        self._config = config
        self._reference = reference
        self._comparison: Comparison | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fails the session where an edit is worse than it may be, or where nothing can be compared."""
        log = run_log(self._config)
        if log.folder is None:  # nothing was saved, which was told already, or another process saves
            return
        request = self._config.stash[BENCHMARK].request
        try:
            new = load_edited_run(log.folder)
            found = compare_runs(self._reference, new, request.compare_fail, draws=request.draws, seed=request.seed)
            (log.folder / "tables" / "comparison.md").write_text(as_markdown(found) + "\n", encoding="utf-8")
        except (HarnessError, OSError) as error:
            log.notes.append(f"This run could not be compared with {self._reference.name}: {error}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            return
        self._comparison = found
        if found.regressions():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table of differences, then a line for everything that got worse or better."""
        found = self._comparison
        if found is None:
            return
        terminalreporter.section(f"compared with {found.reference}")
        for line in difference_table(found).splitlines():
            terminalreporter.write_line(line)
        terminalreporter.write_line("")
        for line in difference_lines(found):
            terminalreporter.write_line(line, red=line.startswith(REGRESSION))


def pytest_configure(config: pytest.Config) -> None:
    """Reads the earlier run, so that a mistake is told before anything is computed.

    Raises:
        HarnessError: there is no such run, or it edited nothing.
    """
    request = config.stash[BENCHMARK].request
    assert request.compare is not None, "loaded only where --compare is given"
    reference = load_edited_run(find_run(request.store, request.compare))
    config.pluginmanager.register(Gate(config, reference), "kntests-gate")
