"""Tables of verdicts: a claim's rows with the paper's own statistic, the estimate, the margin and what was decided."""

from collections.abc import Sequence
from typing import Any, Final, cast

from harness.records import ClaimRow, RunRecord
from reports.table import Cell, Column, Table, column, interval, number, p_value, word

_COLUMNS: Final[tuple[Column, ...]] = (
    column("model", "Model", align="left"),
    column("localizer", "Localizer", align="left"),
    column("threshold", "T", align="left"),
    column("r_consistent", "R:I"),
    column("s_consistent", "S:I"),
    column("r_inconsistent", "R:II"),
    column("s_inconsistent", "S:II"),
    column("welch_t", "t"),
    column("welch_p", "p"),
    column("estimate", "estimate [95 %]", interval=True),
    column("margin", "margin"),
    column("verdict", "verdict", align="left"),
)


def claim_tables(record: RunRecord) -> list[Table]:
    """A table a claim, in the order of the run."""
    claims = dict.fromkeys(row.claim for row in record.claims)
    smoke = record.manifest.smoke
    return [claim_table([row for row in record.claims if row.claim == claim], smoke=smoke) for claim in claims]


def claim_table(rows: Sequence[ClaimRow], *, smoke: str | None = None) -> Table:
    """The rows of one claim in the column order of the paper's Table 1, without the columns that no row fills.

    T is the threshold; R:I and R:II are the shares of consistent and inconsistent facts, S:I and S:II their mean CS2,
    t and p Welch's test of the two: the paper's numbers, which decide nothing. What decides stands to their right.

    Args:
        rows: at least one.
        smoke: why the run is not a result, or None.
    """
    return Table(
        name=f"claim-{rows[0].claim}",
        title=f"{rows[0].claim}: {rows[0].statement}",
        columns=_COLUMNS,
        rows=tuple(_cells(row) for row in rows),
        smoke=smoke,
    ).without_empty_columns()


def verdict_text(row: ClaimRow) -> str:
    """The verdict, and the expected one where a built-in model carries one."""
    if row.expected is None:
        return row.verdict
    return f"{row.verdict} (as expected)" if row.verdict == row.expected else f"{row.verdict} (not {row.expected})"


def where(row: ClaimRow) -> str:
    """Model, localizer and threshold of a row in a few words."""
    return ", ".join(part for part in (row.model, row.localizer, row.threshold) if part)


def _cells(row: ClaimRow) -> tuple[Cell, ...]:
    paper = cast(dict[str, Any], row.extras.get("paper") or {})
    return (
        word(row.model),
        word(row.localizer),
        word(row.threshold),
        number(paper.get("r_consistent")),
        number(paper.get("s_consistent")),
        number(paper.get("r_inconsistent")),
        number(paper.get("s_inconsistent")),
        number(paper.get("welch_t"), 1),
        p_value(paper.get("welch_p")),
        interval(row.estimate, row.ci_low, row.ci_high, bold=row.verdict == "SUPPORTED"),
        number(row.margin),
        Cell(text=verdict_text(row), value=row.verdict),
    )
