"""The run's tables, those of the paper's layout among them."""

from collections.abc import Sequence

from reports.html.grid import GridCell, Heading, grid
from reports.html.hints import Hints
from reports.html.markup import Markup, element, join
from reports.table import Cell, Column, Table

_FEW: int = 12
"""A column of words with no more than so many different ones can be filtered by them."""


def table_section(tables: Sequence[Table], hints: Hints) -> Markup:
    """One table after the other, each with its note."""
    return join(_table(table.without_empty_columns(), hints) for table in tables)


def _table(table: Table, hints: Hints) -> Markup:
    headings = [_heading(table, index) for index in range(len(table.columns))]
    rows = [[_cell(column, cell) for column, cell in zip(table.columns, row, strict=True)] for row in table.rows]
    return element(
        "article",
        element("h3", table.title),
        grid(table.title, headings, rows, label=table.title, hints=hints),
        element("p", table.note, class_="note") if table.note else None,
        class_="card titled",
        id=f"table-{table.name}",
    )


def _heading(table: Table, index: int) -> Heading:
    column = table.columns[index]
    words = {row[index].text for row in table.rows}
    return Heading(
        title=column.title,
        group=column.group,
        explanation=column.explanation,
        numeric=column.align == "right",
        choice=column.align == "left" and 1 < len(words) <= _FEW,
    )


def _cell(column: Column, cell: Cell) -> GridCell:
    value = cell.value if column.align == "right" else None
    return GridCell(content=cell.text, value=value, strong=cell.bold)
