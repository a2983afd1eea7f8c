"""Ctrl-C while the benchmark works: nothing finished is lost, which is said, and the process ends soon."""

import shlex
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from harness.execution.leaving import ending_when_interrupted, leave_soon
from plugins.progress import Screen
from plugins.run_log import run_log


class Interruption:
    """A pytest plugin of the benchmark's."""

    def __init__(self, config: pytest.Config, *, store: Path, working: Callable[[], bool]) -> None:
        """Takes note of what is to be said.

        Args:
            config: of the session.
            store: where localizations are kept.
            working: whether anything may have been localized yet.
        """
        self._config = config
        self._working = working
        self._said = False
        self._words = (
            f"Interrupted. What was localized is kept in {store}; the same command resumes: {command_line(config)}"
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Has the process end soon, unless it is interrupted to be looked into."""
        if self._config.getoption("usepdb", default=False):
            return (yield)
        with ending_when_interrupted(pytest.ExitCode.INTERRUPTED, self._say):
            return (yield)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Says that nothing finished is lost."""
        if excinfo.errisinstance(KeyboardInterrupt) and self._working():
            run_log(self._config).notes.append(self._words)
            leave_soon(pytest.ExitCode.INTERRUPTED)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self) -> None:
        """Takes note that it was said."""
        self._said = True

    def _say(self) -> None:
        """Says the same where pytest does not come to it in time."""
        reporter: pytest.TerminalReporter | None = self._config.pluginmanager.get_plugin("terminalreporter")
        if not self._said and reporter is not None:
            Screen(self._config, reporter).write_line(self._words)


def command_line(config: pytest.Config) -> str:
    """The session's command line, as a shell takes it."""
    return shlex.join(["pytest", *map(str, config.invocation_params.args)])
