"""Tables as GitHub's Markdown."""

import re
from typing import Final

from tabulate import tabulate

from reports.table import Cell, Column, Table

_SPECIAL: Final = re.compile(
    r"[\\`*|~$]"  # always more than a character
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, but within a word an underscore is one
    r"|<(?=[A-Za-z/!?])"  # a tag or an address
    r"|&(?=#?\w+;)"  # an entity
    r"|\](?=[(\[:])"  # a link
)
"""What Markdown, or the HTML within it, takes for more than a character where it stands."""


def render(table: Table) -> str:
    """Title, table and note; without a line break at the end."""
    parts = [f"**{escape(table.title)}**"]
    if table.smoke is not None:
        parts.append(smoke_line(table.smoke))
    parts.append(render_grid(table))
    if table.note:
        parts.append(paragraph(table.note))
    return "\n\n".join(parts)


def render_grid(table: Table) -> str:
    """The bare table; as Markdown has no spanning cells, the heading of a group stands before each of its columns'."""
    return tabulate(
        [[_cell(cell) for cell in row] for row in table.rows],
        [_heading(column) for column in table.columns],
        tablefmt="pipe",
        colalign=[column.align for column in table.columns] if table.rows else None,
        disable_numparse=True,
    )


def smoke_line(reason: str) -> str:
    """What a page of a run says that is not a result."""
    return f"**Smoke run, not a result:** {escape(reason)}."


def escape(text: str) -> str:
    """The text in one line, every character standing for itself."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def paragraph(text: str) -> str:
    """The text as a paragraph, whatever it begins with: no heading, quotation or list."""
    escaped = re.sub(r"^(\d{1,9})(?=[.)])", r"\1\\", escape(text))
    return re.sub(r"^(?=[#>+=-])", r"\\", escaped)


def code(text: str) -> str:
    """The text as code, whatever backticks it holds."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    space = " " if "`" in text else ""
    return f"{'`' * (longest + 1)}{space}{' '.join(text.split())}{space}{'`' * (longest + 1)}"


def _heading(column: Column) -> str:
    return escape(f"{column.group} {column.title}".strip())


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return f"**{text}**" if cell.bold else text
