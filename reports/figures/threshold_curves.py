"""The share of K_II over the static threshold, with a band that holds the whole curve."""

from collections.abc import Iterator
from typing import Any, Final, Literal, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from harness.records import ClaimRow
from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import GREY, PALETTE, legend_above, new_figure
from reports.frames import numbers, only, records, words
from reports.paper import localizer_title
from reports.run import SavedRun

_ACROSS: Final = 3
_A_FIGURE: Final = 12
"""Models of a figure."""

_STYLES: Final[tuple[Literal["-", "--", "-.", ":"], ...]] = ("-", "--", "-.", ":")


def draw_threshold_curves(run: SavedRun) -> Iterator[DrawnFigure]:
    """One figure, or several of very many models: a panel a model, a line a localizer."""
    rows: dict[tuple[str, str], ClaimRow] = {}
    for (model, localizer, _), row in run.rows("prevalence").items():
        if row.extras.get("curve"):
            rows.setdefault((model, localizer), row)
    if not rows:
        return
    models = list(dict.fromkeys(model for model, _ in rows))
    for start in range(0, len(models), _A_FIGURE):
        here = {cell: row for cell, row in rows.items() if cell[0] in models[start : start + _A_FIGURE]}
        part = f"-{start // _A_FIGURE + 1}" if len(models) > _A_FIGURE else ""
        yield _draw(run, here, f"share-over-threshold{part}")


def _draw(run: SavedRun, rows: dict[tuple[str, str], ClaimRow], name: str) -> DrawnFigure:
    data = pd.concat([_curve(model, localizer, row) for (model, localizer), row in rows.items()], ignore_index=True)
    models, localizers = words(data, "model"), words(data, "localizer")
    figure, axes = new_figure(len(models), columns=_ACROSS, width=4.0, height=3.0)
    for place, (model, axis) in enumerate(zip(models, axes, strict=True)):
        margin = next(row.margin for (of, _), row in rows.items() if of == model)
        _panel(axis, only(data, model=model), localizers, margin)
        axis.set_title(model, loc="right")
        axis.set_ylabel("" if place % _ACROSS else "share of K_II")
        axis.set_xlabel("threshold of CS2" if place + _ACROSS >= len(models) else "")
    legend_above(axes[0], columns=2)
    return drawn(
        figure,
        run,
        name=name,
        title="Share of K_II over the threshold",
        caption="Share of facts whose CS2 is at or below a static threshold, with a 95 % band over relations that holds"
        " the whole curve at once; dotted the margin of the claim prevalence.",
        alt_text=f"Curves of the share of K_II for {len(rows)} cells. {_at(data, 0.1)}",
        data=data,
    )


def _panel(axis: Axes, data: pd.DataFrame, localizers: list[str], margin: float | None) -> None:
    for number, localizer in enumerate(localizers):
        line = only(data, localizer=localizer)
        if line.empty:
            continue
        colour, style = PALETTE[number % len(PALETTE)], _STYLES[number % len(_STYLES)]
        axis.fill_between(line["cut"], line["low"], line["high"], color=colour, alpha=0.16, linewidth=0)
        axis.plot(line["cut"], line["share"], color=colour, linestyle=style, label=localizer_title(localizer))
    if margin is not None:
        axis.axhline(margin, color=GREY, linewidth=1.0, linestyle=":", label=f"margin {margin:g}")
    axis.set_xlim(0, float(numbers(data, "cut").max()))
    axis.set_ylim(-0.02, 1.02)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _curve(model: str, localizer: str, row: ClaimRow) -> pd.DataFrame:
    curve = cast(dict[str, list[Any]], row.extras["curve"])
    columns = {"cut": "cuts", "share": "shares", "low": "low", "high": "high"}
    return pd.DataFrame({"model": model, "localizer": localizer, **{name: curve[key] for name, key in columns.items()}})


def _at(data: pd.DataFrame, cut: float) -> str:
    """What the curves come to at one threshold."""
    rows = [row for row in records(data) if abs(row["cut"] - cut) < 1e-9]
    told = "; ".join(f"{row['model']}, {row['localizer']}: {row['share']:.0%}" for row in rows)
    return f"At {cut:g}: {told}." if told else ""
