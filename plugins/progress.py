"""How far localization is: a bar on a terminal, a line now and then anywhere else."""

import os
import shutil
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Protocol

import pytest
from _pytest.capture import CaptureManager
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from harness.execution.progress import Progress, Quiet

SECONDS_BETWEEN_LINES = 15.0


def make_progress(config: pytest.Config) -> Progress:
    """What suits the place where pytest's own output goes."""
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.get_verbosity() < 0:
        return Quiet()
    screen = Screen(config, reporter)
    return Bar(screen) if screen.is_terminal() else Lines(screen)


class Screen:
    """pytest's output while a test runs, when pytest captures everything that is written to it."""

    def __init__(self, config: pytest.Config, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._capture: CaptureManager | None = config.pluginmanager.get_plugin("capturemanager")

    def is_terminal(self) -> bool:
        """Whether somebody is looking."""
        with self.uncaptured():
            return sys.stdout.isatty()

    def write_line(self, line: str) -> None:
        """Writes a line past the capture."""
        with self.uncaptured():
            self._reporter.ensure_newline()
            self._reporter.write_line(line)
            self._reporter.flush()

    def console(self) -> Console:
        """A way to the terminal that the capture does not know, beginning a line; its file is to be closed."""
        with self.uncaptured():
            self._reporter.ensure_newline()
            self._reporter.flush()
            terminal = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
            return Console(file=terminal, width=shutil.get_terminal_size().columns)

    @contextmanager
    def uncaptured(self) -> Generator[None]:
        """Lets through what is written inside."""
        with self._capture.global_and_fixture_disabled() if self._capture is not None else ExitStack():
            yield


class Course:
    """How many queries are done, and how fast that went.

    Attributes:
        label: what is localized.
        total: queries in all.
        done: queries done, those among them that were done before.
    """

    def __init__(self, label: str, total: int, done: int) -> None:
        """Starts the clock."""
        self.label = label
        self.total = total
        self.done = done
        self._before = done
        self._started = self._last = time.monotonic()

    def advance(self, queries: int) -> None:
        """Counts queries that are done."""
        self.done += queries
        self._last = time.monotonic()

    @property
    def new(self) -> int:
        """Queries done since the start."""
        return self.done - self._before

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started

    def pace(self) -> str:
        """Rate and time left; empty before the first queries are done."""
        if not self.new:
            return ""
        rate = self.new / max(self._last - self._started, 1e-9)
        left = (self.total - self.done) / rate - (time.monotonic() - self._last)
        return f"{rate:.1f} queries/s, {clock(max(left, 0.0))} left"


class _Pace(ProgressColumn):
    """Rate and time left."""

    def __init__(self, course: Course) -> None:
        super().__init__()
        self._course = course

    def render(self, task: Task) -> Text:
        return Text(self._course.pace() or clock(self._course.seconds))


class Bar:
    """A bar with rate and time left, gone when the localization ends."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._open = ExitStack()
        self._course: Course | None = None
        self._bar: RichProgress | None = None

    def start(self, label: str, total: int, done: int) -> None:
        """Draws the bar; a thread keeps its clock running."""
        self._course = Course(label, total, done)
        console = self._screen.console()
        self._open.callback(console.file.close)
        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _Pace(self._course),
            console=console,
            transient=True,
            refresh_per_second=2,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar.add_task(label, total=total, completed=done)
        self._open.enter_context(self._bar)

    def advance(self, queries: int) -> None:
        """Moves the bar."""
        if self._bar is not None and self._course is not None:
            self._course.advance(queries)
            self._bar.update(self._bar.task_ids[0], completed=self._course.done, refresh=True)

    def stop(self) -> None:
        """Takes the bar away."""
        self._bar = None
        self._open.close()

    def wait(self, label: str) -> None:
        """Says why nothing moves; the line stays."""
        self._screen.write_line(waiting_line(label))


class WritesLines(Protocol):
    """Where lines go."""

    def write_line(self, line: str) -> None:
        """Writes one."""
        ...


class Lines:
    """A line at the start, one every 15 seconds and one at the end, for logs."""

    def __init__(self, screen: WritesLines) -> None:
        self._screen = screen
        self._course: Course | None = None
        self._last_line = 0.0

    def start(self, label: str, total: int, done: int) -> None:
        """Says what is to be done."""
        self._course = Course(label, total, done)
        self._last_line = time.monotonic()
        stored = f", {done:,} of them in the store" if done else ""
        self._screen.write_line(f"localizing {label}: {total:,} queries{stored}")

    def advance(self, queries: int) -> None:
        """Says how far it is, if it has not done so for a while."""
        course = self._course
        if course is None:
            return
        course.advance(queries)
        if time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            done = f"{course.done:,} of {course.total:,} queries"
            self._screen.write_line(f"localizing {course.label}: {done}, {course.pace()}")

    def stop(self) -> None:
        """Says what was done."""
        course = self._course
        if course is None:
            return
        verb = "localized" if course.done >= course.total else "broke off"
        self._screen.write_line(f"{verb} {course.label}: {course.new:,} queries in {clock(course.seconds)}")
        self._course = None

    def wait(self, label: str) -> None:
        """Says why nothing comes."""
        self._screen.write_line(waiting_line(label))


def waiting_line(label: str) -> str:
    """What a process says that has to wait."""
    return f"waiting for another process, which localizes {label}"


def clock(seconds: float) -> str:
    """h:mm:ss, without the hours if there are none."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
