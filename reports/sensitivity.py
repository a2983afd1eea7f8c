"""How results depend on the selection of neurons and on the quadrature: tables and a page."""

from collections.abc import Sequence
from dataclasses import asdict

from harness.records import QuadratureRow, SelectionRow, SensitivityRecord
from reports.tables import MISSING, Table


def selection_table(rows: Sequence[SelectionRow]) -> Table:
    """One row a selection fraction t: size of the sets, share of K_II, CS2 between its bounds, both verdicts."""
    return Table(
        headers=("t", "KN a query", "K_II [95 %]", "CS2", "ceiling", "floor", "separation", "prevalence"),
        rows=tuple(
            (
                f"{row.t:g}",
                f"{row.mean_set_size:.1f}",
                _share(row),
                *(_number(value) for value in (row.mean_cs2, row.ceiling, row.floor)),
                row.separation,
                row.prevalence,
            )
            for row in rows
        ),
        labels=1,
        values=tuple(asdict(row) for row in rows),
    )


def quadrature_table(rows: Sequence[QuadratureRow]) -> Table:
    """One row a quadrature: how far its neurons are the converged ones, what it leaves out, what it costs."""
    return Table(
        headers=("quadrature", "Jaccard", "same", "gap", "CS2", "K_II", "operations", "seconds a query"),
        rows=tuple(
            (
                row.quadrature,
                _number(row.jaccard, 3),
                _percent(row.identical),
                MISSING if row.completeness_gap is None else f"{row.completeness_gap:.1e}",
                _number(row.mean_cs2, 3),
                _percent(row.share_inconsistent),
                _number(row.relative_operations),
                _number(row.seconds_a_query, 4),
            )
            for row in rows
        ),
        labels=1,
        values=tuple(asdict(row) for row in rows),
    )


def selection_note(record: SensitivityRecord) -> str:
    """What the first table shows."""
    return (
        "Knowledge neurons are those with a score above t times the largest; a run takes"
        f" t = {record.selected:g}. Prevalence at a margin of {record.margin:g}."
    )


def quadrature_note(record: SensitivityRecord) -> str:
    """What the second table shows, or why there is none."""
    if not record.quadratures:
        return "No other quadrature was looked at, or this localizer depends on none."
    sample = record.quadratures[-1]
    return (
        f"{sample.n_queries} queries localized again, t = {record.selected:g}: Jaccard index with the knowledge"
        f" neurons of {record.converged} and share of queries with the same ones; median completeness gap; CS2 and"
        f" K_II of {sample.n_facts} facts with four queries; operations relative to the run's quadrature. No seconds"
        " where the store had the rows."
    )


def sensitivity_document(record: SensitivityRecord) -> str:
    """Everything as a Markdown page, with the reason of every verdict."""
    parts = [f"# Sensitivity of {record.model} under {record.localizer} at {record.threshold}"]
    if record.manifest.smoke is not None:
        parts.append(f"**Smoke run, not a result:** {record.manifest.smoke}.")
    parts += ["## Selection of knowledge neurons", selection_note(record), selection_table(record.selection).markdown()]
    parts.append("![Share of K_II and mean CS2 against t](selection.svg)")
    for claim in ("prevalence", "separation"):
        reasons = [f"- t = {row.t:g}: {getattr(row, f'{claim}_reason')}" for row in record.selection]
        parts += [f"### {claim}", "\n".join(reasons)]
    parts += ["## Quadrature", quadrature_note(record)]
    if record.quadratures:
        parts.append(quadrature_table(record.quadratures).markdown())
    parts.append(f"Command: `{record.manifest.command}`, {record.manifest.created}.")
    return "\n\n".join(parts) + "\n"


def _number(value: float | None, digits: int = 2) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return MISSING if value is None else f"{value:.0%}"


def _share(row: SelectionRow) -> str:
    if row.ci_low is None or row.ci_high is None:
        return _number(row.share_inconsistent)
    return f"{_number(row.share_inconsistent)} [{_number(row.ci_low)}, {_number(row.ci_high)}]"
