"""How results depend on the selection of neurons and on the quadrature: tables and a page."""

from collections.abc import Sequence

from harness.records import QuadratureRow, SelectionRow, SensitivityRecord
from reports.formats import markdown
from reports.table import Table, column, general, interval, number, percent, scientific, word


def selection_table(rows: Sequence[SelectionRow], *, smoke: str | None = None) -> Table:
    """One row a selection fraction t: size of the sets, share of K_II, CS2 between its bounds, both verdicts."""
    return Table(
        name="selection",
        title="Selection of knowledge neurons",
        columns=(
            column("t", "t", align="left"),
            column("mean_set_size", "KN a query"),
            column("share_inconsistent", "K_II [95 %]", statistic="share", interval=True),
            column("mean_cs2", "CS2"),
            column("ceiling", "ceiling"),
            column("floor", "floor"),
            column("separation", "separation", align="left"),
            column("prevalence", "prevalence", align="left"),
        ),
        rows=tuple(
            (
                general(row.t),
                number(row.mean_set_size, 1),
                interval(row.share_inconsistent, row.ci_low, row.ci_high),
                number(row.mean_cs2),
                number(row.ceiling),
                number(row.floor),
                word(row.separation),
                word(row.prevalence),
            )
            for row in rows
        ),
        smoke=smoke,
    )


def quadrature_table(rows: Sequence[QuadratureRow], *, smoke: str | None = None) -> Table:
    """One row a quadrature: how far its neurons are the converged ones, what it leaves out, what it costs."""
    return Table(
        name="quadratures",
        title="Quadrature",
        columns=(
            column("quadrature", "quadrature", align="left"),
            column("jaccard", "Jaccard"),
            column("identical", "same"),
            column("completeness_gap", "gap"),
            column("mean_cs2", "CS2"),
            column("share_inconsistent", "K_II", statistic="share"),
            column("relative_operations", "operations"),
            column("seconds_a_query", "seconds a query"),
        ),
        rows=tuple(
            (
                word(row.quadrature),
                number(row.jaccard, 3),
                percent(row.identical),
                scientific(row.completeness_gap),
                number(row.mean_cs2, 3),
                percent(row.share_inconsistent),
                number(row.relative_operations),
                number(row.seconds_a_query, 4),
            )
            for row in rows
        ),
        smoke=smoke,
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
        parts.append(markdown.smoke_line(record.manifest.smoke))
    selection = selection_table(record.selection)
    parts += ["## Selection of knowledge neurons", selection_note(record), markdown.render_grid(selection)]
    parts.append("![Share of K_II and mean CS2 against t](selection.svg)")
    for claim in ("prevalence", "separation"):
        reasons = [f"- t = {row.t:g}: {markdown.escape(getattr(row, f'{claim}_reason'))}" for row in record.selection]
        parts += [f"### {claim}", "\n".join(reasons)]
    parts += ["## Quadrature", quadrature_note(record)]
    if record.quadratures:
        parts.append(markdown.render_grid(quadrature_table(record.quadratures)))
    parts.append(f"Command: {markdown.code(record.manifest.command)}, {record.manifest.created}.")
    return "\n\n".join(parts) + "\n"
