"""Mean CS2 of every cell between what chance gives and what the localizer itself allows."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import BLUE, GREEN, GREY, ORANGE, legend_above, new_figure
from reports.frames import numbers
from reports.run import SavedRun

_MARKS: Final = {
    "floor": ("floor: queries exchanged", "|", ORANGE),
    "answer_floor": ("answer floor: between objects", "x", "#CC79A7"),
    "ceiling": ("ceiling: one query again", "D", GREEN),
    "mean_cs2": ("queries of one fact", "o", BLUE),
}
"""Number -> what it is, its mark and its colour."""


def draw_nulls(run: SavedRun) -> Iterator[DrawnFigure]:
    """One figure, a line a cell."""
    cells: dict[tuple[str, str], dict[str, float | None]] = {}
    for (model, localizer, _), row in run.rows("prevalence").items():
        if row.extras.get("mean_cs2") is not None:
            cells.setdefault((model, localizer), {name: row.extras.get(name) for name in _MARKS})
    if not cells:
        return
    data = pd.DataFrame([{"model": m, "localizer": loc, **found} for (m, loc), found in cells.items()])
    data = data.astype(dict.fromkeys(_MARKS, np.float64))
    figure, (axis,) = new_figure(1, width=6.4, height=max(2.0, 1.3 + 0.26 * len(data)))
    at = np.arange(len(data))
    ends = data[list(_MARKS)].to_numpy(np.float64)
    axis.hlines(at, np.nanmin(ends, axis=1), np.nanmax(ends, axis=1), color="#CCCCCC", linewidth=2.0, zorder=1)
    for name, (label, mark, colour) in _MARKS.items():
        values = numbers(data, name)
        if np.isfinite(values).any():
            # What is observed is small and full, so that it shows within a bound that it equals.
            size, face = (5, colour) if name == "mean_cs2" else (9, "none")
            axis.plot(
                values,
                at,
                marker=mark,
                color=colour,
                linestyle="none",
                markersize=size,
                markerfacecolor=face,
                label=label,
                zorder=2,
            )
    axis.set_yticks(at, [f"{model}, {localizer}" for model, localizer in cells], fontsize=8)
    axis.set_ylim(len(data) - 0.4, -0.6)
    axis.set_xlim(-0.02, 1.02)
    axis.set_xlabel("mean CS2")
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    axis.tick_params(axis="y", colors=GREY)
    legend_above(axis, columns=2)
    yield drawn(
        figure,
        run,
        name="cs2-against-nulls",
        title="Mean CS2 against its nulls",
        caption="Mean CS2 of queries of one fact, of queries exchanged between facts of one relation and pattern"
        " (floor), the same only between facts with different objects (answer floor), and of one query localized again"
        " (ceiling)."
        " What lies above the floor belongs to the fact.",
        alt_text="Mean CS2 with its bounds. " + "; ".join(_told(cell, found) for cell, found in cells.items()) + ".",
        data=data,
    )


def _told(cell: tuple[str, str], found: dict[str, float | None]) -> str:
    numbers = [f"{name.replace('_', ' ')} {value:.2f}" for name, value in found.items() if value is not None]
    return f"{cell[0]}, {cell[1]}: {', '.join(numbers)}"
