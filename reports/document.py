"""A run as a Markdown page: every claim with its statement, table and reasons, then the paper's tables."""

from collections.abc import Sequence

from harness.records import ClaimRow, RunRecord
from reports.claim_tables import claim_table, where
from reports.formats import markdown
from reports.table import Table


def document(record: RunRecord, tables: Sequence[Table] = ()) -> str:
    """The whole page.

    Args:
        record: the run.
        tables: those that are shown behind the claims.
    """
    parts = ["# Verdicts"]
    if record.manifest.smoke is not None:
        parts.append(markdown.smoke_line(record.manifest.smoke))
    for claim in dict.fromkeys(row.claim for row in record.claims):
        parts += _claim([row for row in record.claims if row.claim == claim])
    for table in tables:
        parts += [f"## {markdown.escape(table.title)}", markdown.render_grid(table)]
        parts += [markdown.paragraph(table.note)] if table.note else []
    parts.append(f"Command: {markdown.code(record.manifest.command)}, {record.manifest.created}.")
    return "\n\n".join(parts) + "\n"


def _claim(rows: Sequence[ClaimRow]) -> list[str]:
    reasons = [f"- {markdown.escape(f'{where(row)}: {row.reason}')}" for row in rows]
    grid = markdown.render_grid(claim_table(rows))
    return [f"## {markdown.escape(rows[0].claim)}", markdown.paragraph(rows[0].statement), grid, "\n".join(reasons)]
