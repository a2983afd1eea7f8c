"""How a table is written: for the terminal, as Markdown, as LaTeX, as CSV; a module a format."""

from collections.abc import Callable
from typing import Final

from reports.formats import csv, latex, markdown, terminal
from reports.table import Table

ENDINGS: Final[dict[str, tuple[str, Callable[[Table], str]]]] = {
    "md": (".md", markdown.render),
    "latex": (".tex", latex.render),
    "csv": (".csv", csv.render),
}
"""Format of a saved table -> ending of its file, and what writes it."""

__all__ = ["ENDINGS", "csv", "latex", "markdown", "terminal"]
