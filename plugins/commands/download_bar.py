"""How far fetching is: a bar on a terminal, nothing anywhere else."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


class DownloadBar:
    """Appears when something is missing, on stderr, and goes when all is there or fetching broke off."""

    def __init__(self) -> None:
        """Draws nothing yet."""
        columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("fetching", total=None)

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Takes the bar away."""
        if self._progress.live.is_started:  # else it would end a line that was never begun
            self._progress.stop()

    def update(self, done: int, total: int) -> None:
        """Takes note of how many bytes are there."""
        if done < total and sys.stderr.isatty():
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total)
