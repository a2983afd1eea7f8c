"""A comparison of two runs as tables and lines: for the terminal, as Markdown and as CSV."""

import csv
import io
import math
from collections.abc import Callable
from typing import Final, cast

from tabulate import tabulate

from reports.gate.differences import IMPROVEMENT, REGRESSION, Comparison, Difference
from reports.table import MISSING, Cell, Column, Table, Value

_HEADERS: Final = (
    *("Model", "Localizer", "Editor", "Edit", "Metric"),
    *("reference", "new", "change", "interval", "p", "facts", "relations", "limit", "outcome"),
)
_LABELS: Final = 5


def difference_table(comparison: Comparison, style: str = "simple") -> str:
    """One row a metric: both means, the change with its interval, the limit, and what it came to.

    Args:
        comparison: of two runs.
        style: as `tabulate` calls it.
    """
    rows = [_texts(item) for item in comparison.differences]
    align = ["left"] * _LABELS + ["right"] * (len(_HEADERS) - _LABELS - 2) + ["left"] * 2
    return tabulate(rows, _HEADERS, tablefmt=style, colalign=align if rows else None, disable_numparse=True)


def as_table(comparison: Comparison, *, smoke: str | None) -> Table:
    """The same for pages and papers; bold is what exceeds its limit, `smoke` why the numbers are no result, if so."""
    names = [f"{run} mean" for run in ("reference", "new")]
    columns = [
        Column(key=heading.lower(), heading=heading, align="left" if place < _LABELS else "right")
        for place, heading in enumerate((*_HEADERS[:_LABELS], *names, *_HEADERS[_LABELS + 2 :]))
    ]
    return Table(
        name=f"edits-{comparison.new}",
        title=f"Edits: {_title(comparison)}",
        columns=tuple(columns),
        rows=tuple(_cells(item) for item in comparison.differences),
        note="Means over the facts that both runs edited, and of the change of each fact, new minus reference."
        " rel, gen, loc and avg: more is better; ppl, the change of perplexity: less is better.",
        smoke=smoke,
    ).without_empty_columns()


def difference_lines(comparison: Comparison) -> list[str]:
    """Every regression and improvement in a sentence of its own, then the notes."""
    worse, better = comparison.regressions(), comparison.improvements()
    lines = [f"{REGRESSION}: {_sentence(item)}" for item in worse]
    lines += [f"{IMPROVEMENT}: {_sentence(item)}" for item in better]
    if any(item.limit for item in comparison.differences):
        lines.append(f"{len(worse)} regressions, {len(better)} improvements against {comparison.reference}.")
    return [*lines, *comparison.notes]


def as_terminal(comparison: Comparison) -> str:
    """Title, table and lines."""
    return "\n\n".join((_title(comparison), difference_table(comparison), "\n".join(difference_lines(comparison))))


def as_markdown(comparison: Comparison) -> str:
    """A page, such as the comment on a pull request."""
    lines = [f"- {line}" for line in difference_lines(comparison)]
    return "\n\n".join((f"## {_title(comparison)}", difference_table(comparison, "github"), "\n".join(lines)))


def as_csv(comparison: Comparison) -> str:
    """The unrounded values."""
    rows = [_values(item) for item in comparison.differences]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().rstrip("\n")


FORMATS: Final[dict[str, Callable[[Comparison], str]]] = {
    "terminal": as_terminal,
    "md": as_markdown,
    "csv": as_csv,
}
"""What `--format` of `kntests compare` takes."""


def _title(comparison: Comparison) -> str:
    return f"{comparison.new} compared with {comparison.reference}"


def _sentence(item: Difference) -> str:
    where = f"{item.metric.name} of {item.editor} ({item.kind}) on {item.model} {item.localizer}"
    if item.n_lost:
        return f"{where} is undefined for {item.n_lost} facts that have it in the reference (limit {item.limit})"
    p = "" if item.p_value is None or item.outcome != REGRESSION else f", p = {item.p_value:.2g}"
    return (
        f"{where} went from {_level(item.reference)} to {_level(item.new)}: {_change(item.estimate, item)},"
        f" {_interval(item)}, {item.n_facts} facts of {item.n_relations} relations{p} (limit {item.limit})"
    )


def _texts(item: Difference) -> tuple[str, ...]:
    return (
        *(item.model, item.localizer, item.editor, item.kind, item.metric.name),
        *(_level(item.reference), _level(item.new), _change(item.estimate, item), _interval(item)),
        MISSING if item.p_value is None else f"{item.p_value:.2g}",
        *(str(item.n_facts), str(item.n_relations), str(item.limit or MISSING), item.outcome or MISSING),
    )


def _cells(item: Difference) -> tuple[Cell, ...]:
    values = _values(item)
    keys = (*("model", "localizer", "editor", "kind", "metric", "reference", "new", "change"), "ci_low")
    sorted_by = [values[key] for key in (*keys, "p_value", "n_facts", "n_relations", "limit", "outcome")]
    return tuple(
        Cell(text=text, value=cast(Value, value), bold=item.outcome in (REGRESSION, IMPROVEMENT))
        for text, value in zip(_texts(item), sorted_by, strict=True)
    )


def _values(item: Difference) -> dict[str, object]:
    return {
        "model": item.model,
        "localizer": item.localizer,
        "editor": item.editor,
        "kind": item.kind,
        "metric": item.metric.name,
        "reference": _finite(item.reference),
        "new": _finite(item.new),
        "change": _finite(item.estimate),
        "relative": item.percent,
        "ci_low": item.ci_low,
        "ci_high": item.ci_high,
        "confidence": item.confidence,
        "p_value": item.p_value,
        "n_facts": item.n_facts,
        "n_relations": item.n_relations,
        "n_lost": item.n_lost,
        "limit": str(item.limit) if item.limit else None,
        "outcome": item.outcome or None,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _level(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else MISSING


def _change(value: float | None, item: Difference) -> str:
    if value is None:
        return "unbounded"
    if not math.isfinite(value):
        return MISSING
    shown = round(100 * value, 1) if item.percent else round(value, 3)
    shown += 0.0  # of a zero the sign is dropped
    return f"{shown:+.1f} %" if item.percent else f"{shown:+.3f}"


def _interval(item: Difference) -> str:
    if item.ci_low is None and item.ci_high is None:
        return MISSING
    return f"{100 * item.confidence:g} % [{_change(item.ci_low, item)}, {_change(item.ci_high, item)}]"
