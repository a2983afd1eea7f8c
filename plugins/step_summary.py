"""Where CI shows a page of Markdown beside a job, the session's table is added to it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

VARIABLE: Final = "GITHUB_STEP_SUMMARY"
"""Environment variable with the file that CI reads the page from."""

_MOST_BYTES: Final = 1 << 20
"""A larger page is refused as a whole."""


def add_to_step_summary(make: Callable[[], str], instead: str) -> None:
    """Appends a text, or a shorter one where the page would become too large; does nothing outside such CI.

    Args:
        make: makes the text.
        instead: the shorter one.

    Raises:
        OSError: the file cannot be written.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    path, text = Path(name), make()
    taken = path.stat().st_size if path.exists() else 0
    fits = taken + len(text.encode()) < _MOST_BYTES
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{text if fits else instead}\n")
