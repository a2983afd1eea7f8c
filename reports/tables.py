"""Tables of claim rows: for the terminal, as Markdown and as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from tabulate import tabulate

from harness.records import ClaimRow, RunRecord

MISSING = "-"
"""Stands where a row has no value."""

_PAPER = ("r_consistent", "s_consistent", "r_inconsistent", "s_inconsistent", "welch_t", "welch_p")
_SMALLEST_P = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of texts, the last column flush left.

    Attributes:
        headers: one a column.
        rows: one text a column.
        labels: how many columns at the left are words and not numbers.
        values: the same rows for machines, unrounded, by column; None where there is no value.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int
    values: tuple[dict[str, object], ...]

    def text(self) -> str:
        """For the terminal: a line of headers, a rule, a line a row."""
        return self._format("simple")

    def markdown(self) -> str:
        """As a table in GitHub's Markdown."""
        return self._format("github")

    def csv(self) -> str:
        """The unrounded values, with a header; an empty field is no value."""
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(self.values[0]) if self.values else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.values)
        return stream.getvalue()

    def _format(self, style: str) -> str:
        numbers = len(self.headers) - self.labels - 1
        align = ["left"] * self.labels + ["right"] * numbers + ["left"]
        rows = [[" ".join(text.split()) for text in row] for row in self.rows]
        if style == "github":
            rows = [[text.replace("|", r"\|") for text in row] for row in rows]
        return tabulate(rows, self.headers, tablefmt=style, colalign=align, disable_numparse=True)


def table1(rows: Sequence[ClaimRow]) -> Table:
    """Consistency of knowledge neurons, in the column order of the paper's Table 1.

    T is the threshold; R:I and R:II are the shares of consistent and inconsistent facts, S:I and S:II their mean CS2,
    t and p Welch's test of the two: the paper's numbers, which decide nothing. What decides stands to their right: the
    claim's estimate with its 95 % interval, the margin that it is held against, and the verdict.
    """
    headers = (
        "Model",
        "Localizer",
        "T",
        "R:I",
        "S:I",
        "R:II",
        "S:II",
        "t",
        "p",
        "estimate [95 %]",
        "margin",
        "verdict",
    )
    return Table(
        headers=headers,
        rows=tuple(_texts(row) for row in rows),
        labels=3,
        values=tuple(_values(row) for row in rows),
    )


def table1_document(record: RunRecord) -> str:
    """The table of a whole run as a Markdown page: every claim with its statement, table and reasons."""
    parts = ["# Consistency analysis (columns of Table 1)"]
    if record.manifest.smoke is not None:
        parts.append(f"**Smoke run, not a result:** {record.manifest.smoke}.")
    for claim in dict.fromkeys(row.claim for row in record.claims):
        rows = [row for row in record.claims if row.claim == claim]
        reasons = [f"- {row.model}, {row.localizer}, {row.threshold or 'no threshold'}: {row.reason}" for row in rows]
        parts += [f"## {claim}", rows[0].statement, table1(rows).markdown(), "\n".join(reasons)]
    parts.append(f"Command: `{record.manifest.command}`, {record.manifest.created}.")
    return "\n\n".join(parts) + "\n"


def verdict_text(row: ClaimRow) -> str:
    """The verdict, and the expected one where a built-in model carries one."""
    if row.expected is None:
        return row.verdict
    return f"{row.verdict} (as expected)" if row.verdict == row.expected else f"{row.verdict} (not {row.expected})"


def _paper(row: ClaimRow) -> dict[str, Any]:
    """The paper's own statistic; empty where a claim has none."""
    return cast(dict[str, Any], row.extras.get("paper") or {})


def _texts(row: ClaimRow) -> tuple[str, ...]:
    paper = _paper(row)
    *shares_and_scores, t, p = (paper.get(name) for name in _PAPER)
    return (
        row.model,
        row.localizer,
        row.threshold or MISSING,
        *(_number(value) for value in shares_and_scores),
        _number(t, digits=1),
        _p_value(p),
        _interval(row),
        _number(row.margin),
        verdict_text(row),
    )


def _values(row: ClaimRow) -> dict[str, object]:
    paper = _paper(row)
    return {
        "model": row.model,
        "localizer": row.localizer,
        "threshold": row.threshold,
        **{name: paper.get(name) for name in _PAPER},
        "estimate": row.estimate,
        "ci_low": row.ci_low,
        "ci_high": row.ci_high,
        "margin": row.margin,
        "verdict": row.verdict,
        "expected": row.expected,
    }


def _number(value: float | None, digits: int = 2) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _p_value(value: float | None) -> str:
    """The paper's way of writing a p-value that is as good as 0."""
    if value is None:
        return MISSING
    return "<1e-6" if value < _SMALLEST_P else f"{value:.2g}"


def _interval(row: ClaimRow) -> str:
    if row.ci_low is None or row.ci_high is None:
        return _number(row.estimate)
    return f"{_number(row.estimate)} [{_number(row.ci_low)}, {_number(row.ci_high)}]"
