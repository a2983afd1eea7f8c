"""Tables as CSV: unrounded values under the columns' keys; an empty field is no value."""

import csv
import io
from typing import Final

from reports.table import Table

NOT_A_RESULT: Final = "not_a_result"
"""Column that says in every row of a smoke run why it is not a result."""


def render(table: Table) -> str:
    """A line of keys, then a line a row; a column with intervals is three: the estimate and both ends."""
    header: list[str] = []
    for column in table.columns:
        key = f"{column.group}.{column.key}" if column.group else column.key
        header += [key, f"{key}.ci_low", f"{key}.ci_high"] if column.interval else [key]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header if table.smoke is None else [*header, NOT_A_RESULT])
    for row in table.rows:
        fields: list[object] = []
        for column, cell in zip(table.columns, row, strict=True):
            fields += [cell.value, cell.low, cell.high] if column.interval else [cell.value]
        writer.writerow(fields if table.smoke is None else [*fields, table.smoke])
    return stream.getvalue()
