"""Heatmaps of neuron activations (Figures 1, 7, 10): a panel a query, on one scale."""

import textwrap
from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, TwoSlopeNorm

from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import new_figure
from reports.frames import groups, numbers, words
from reports.paper import localizer_title
from reports.run import SavedRun

_TITLES: Final = {
    "figure-1": "Figure 1: activations of neurons",
    "figure-7": "Figure 7: activations of neurons, knowledge synapses suppressed",
    "figure-10": "Figure 10: activations of neurons, knowledge synapses enhanced",
}
_MOST_LABELS: Final = 24
_ACROSS: Final = 3


def draw_heatmaps(run: SavedRun) -> Iterator[DrawnFigure]:
    """A figure a file of data, model and localizer."""
    for name, title in _TITLES.items():
        data = run.figures.get(name)
        if data is None:
            continue
        for (model, localizer), rows in groups(data, "model", "localizer"):
            where = f"{model}, {localizer_title(localizer)}"
            yield _draw(run, rows, name=f"{name}-{model}-{localizer}", title=f"{title}; {where}")


def _draw(run: SavedRun, data: pd.DataFrame, *, name: str, title: str) -> DrawnFigure:
    panels = {panel: _matrix(rows) for (panel,), rows in groups(data, "title")}
    values = numbers(data, "value")
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    # Around zero where there are both signs: then white is nothing and the sign is the hue.
    signed = low < 0 < high
    norm = TwoSlopeNorm(0.0, -max(-low, high), max(-low, high)) if signed else Normalize(low, high)
    rows, columns = (max(getattr(matrix, axis).size for matrix in panels.values()) for axis in ("index", "columns"))
    figure, axes = new_figure(
        len(panels),
        columns=_ACROSS,
        width=min(5.5, max(3.0, 1.4 + 0.16 * columns)),
        height=min(6.0, max(2.2, 1.2 + 0.16 * rows)),
    )
    image = None
    for axis, (panel, matrix) in zip(axes, panels.items(), strict=True):
        axis.grid(False)
        colours = "RdBu_r" if signed else "cividis"
        image = axis.imshow(
            matrix.to_numpy(np.float64), norm=norm, cmap=colours, aspect="auto", interpolation="nearest"
        )
        axis.set_facecolor("#DDDDDD")
        axis.set_title(textwrap.fill(panel, 42), fontsize=8)
        _label(axis, matrix)
    if image is not None:
        cast(Any, figure).colorbar(image, ax=axes, shrink=0.8, label="activation")
    return drawn(
        figure,
        run,
        name=name,
        title=title,
        caption="One panel a query, all on one scale; grey where there is no value.",
        alt_text=f"{len(panels)} heatmaps of up to {rows} rows and {columns} columns, values from {low:.3g} to"
        f" {high:.3g}: {'; '.join(panels)}.",
        data=data,
    )


def _matrix(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows and columns in the order in which they appear; nan where there is no value."""
    first = rows.drop_duplicates(["row", "column"])
    wide = first.pivot(index="row", columns="column", values="value")
    return wide.reindex(index=words(rows, "row"), columns=words(rows, "column"))


def _label(axis: Axes, matrix: pd.DataFrame) -> None:
    """Names of rows and columns, as many as can be read."""
    for set_ticks, names, turned in (
        (axis.set_yticks, list(matrix.index), False),
        (axis.set_xticks, list(matrix.columns), True),
    ):
        step = -(-len(names) // _MOST_LABELS)
        shown = list(range(0, len(names), step))
        rotation = 90 if turned and max(len(str(name)) for name in names) > 2 else 0
        set_ticks(shown, [str(names[place]) for place in shown], fontsize=6, rotation=rotation)
