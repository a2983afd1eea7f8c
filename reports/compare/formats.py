"""A comparison of runs for the terminal, as Markdown, LaTeX and CSV; the page for browsers is `reports.html`."""

from collections.abc import Callable, Iterator
from typing import Final

from reports.compare.side_by_side import SideBySide
from reports.formats import csv, latex, markdown, terminal
from reports.gate.tables import as_csv, as_table, difference_lines
from reports.table import Table

HTML: Final = "html"
"""The format that `reports.html.comparison` writes, because its page imports what draws figures."""


def tables_of(compared: SideBySide) -> list[Table]:
    """All tables that have a row."""
    edits = [as_table(comparison, smoke="; ".join(compared.smoke) or None) for comparison in compared.edits]
    return [table for table in (compared.verdicts, *compared.facts, *edits) if table.rows]


def lines_of(compared: SideBySide) -> list[str]:
    """Every regression and improvement in a sentence, then what else a reader has to know."""
    return [*(line for comparison in compared.edits for line in difference_lines(comparison)), *compared.notes]


def as_terminal(compared: SideBySide, *, width: int | None = None) -> str:
    """Title, tables and lines.

    Args:
        compared: the runs.
        width: characters of a line; None for as many as it takes.
    """
    tables = (terminal.render(table, width=width) for table in tables_of(compared))
    return "\n\n".join((compared.title, *tables, "\n".join(map(terminal.plain, lines_of(compared)))))


def as_markdown(compared: SideBySide) -> str:
    """A page, such as the comment on a pull request."""
    parts = [f"## {markdown.escape(compared.title)}"]
    parts += [markdown.smoke_line(reason) for reason in compared.smoke]
    for table in tables_of(compared):
        parts += [f"### {markdown.escape(table.title)}", markdown.render_grid(table)]
        parts += [markdown.paragraph(table.note)] if table.note else []
    return "\n\n".join((*parts, "\n".join(f"- {markdown.escape(line)}" for line in lines_of(compared))))


def as_latex(compared: SideBySide) -> str:
    """A float a table."""
    return "\n".join(latex.render(table) for table in tables_of(compared)).rstrip("\n")


def as_csv_tables(compared: SideBySide) -> str:
    """Unrounded values: a table after the other, an empty line between them; that of edits as the gate writes it."""
    return "\n\n".join(_csv(compared))


def _csv(compared: SideBySide) -> Iterator[str]:
    yield from (csv.render(table).rstrip("\n") for table in (compared.verdicts, *compared.facts) if table.rows)
    yield from (as_csv(comparison) for comparison in compared.edits)


TEXTS: Final[dict[str, Callable[[SideBySide], str]]] = {
    "terminal": as_terminal,
    "md": as_markdown,
    "latex": as_latex,
    "csv": as_csv_tables,
}
"""What `--format` of `kntests compare` takes, `HTML` aside."""
