"""Grouped bars with intervals: suppressed and enhanced neurons (Figure 4) and synapses (Figure 6)."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import PALETTE, legend_above, new_figure
from reports.frames import groups, numbers, only, records, words
from reports.paper import localizer_title
from reports.run import SavedRun

_TITLES: Final = {
    "figure-4": "Figure 4: suppressed and enhanced knowledge neurons",
    "figure-6": "Figure 6: suppressed and enhanced knowledge synapses",
}
_HATCHES: Final = ("", "///", "...", "xxx", "\\\\\\", "ooo")
_ACROSS: Final = 3
_A_FIGURE: Final = 6
"""Models of a figure."""


def draw_bars(run: SavedRun) -> Iterator[DrawnFigure]:
    """A figure a file of data, localizer and threshold, or several of very many models; a panel a model."""
    for name, title in _TITLES.items():
        data = run.figures.get(name)
        if data is None:
            continue
        for (localizer, threshold), rows in groups(data, "localizer", "threshold"):
            where = f"{localizer_title(localizer)}, {threshold}"
            models = words(rows, "model")
            for start in range(0, len(models), _A_FIGURE):
                here = pd.concat([only(rows, model=model) for model in models[start : start + _A_FIGURE]])
                part = f"-{start // _A_FIGURE + 1}" if len(models) > _A_FIGURE else ""
                yield _draw(run, here, name=f"{name}-{localizer}-{threshold}{part}", title=f"{title}; {where}")


def _draw(run: SavedRun, rows: pd.DataFrame, *, name: str, title: str) -> DrawnFigure:
    models, sets, bars = (words(rows, name) for name in ("model", "group", "bar"))
    width = max(4.4, 1.2 + 0.24 * len(sets) * (len(bars) + 1))
    across = max(1, min(_ACROSS, int(14 / width)))
    figure, axes = new_figure(len(models), columns=across, width=width, height=3.4)
    for model, axis in zip(models, axes, strict=True):
        _panel(axis, only(rows, model=model), sets, bars)
        axis.set_title(model, loc="right")
        axis.sharey(axes[0])
    legend_above(axes[0], columns=min(len(bars), 4))
    said = [
        f"{row['model']}, {row['group']}, {row['bar']}: {row['estimate']:.3g}"
        for row in records(rows)
        if np.isfinite(row["estimate"])
    ]
    shown = "; ".join(said[:24]) + ("; and more in the data" if len(said) > 24 else "")
    return drawn(
        figure,
        run,
        name=name,
        title=title,
        caption="Means over facts with 95 % intervals over relations; how many facts each rests on is in the data.",
        alt_text=f"Bars with intervals for {len(sets)} groups of {len(models)} models. {shown}.",
        data=rows,
    )


def _panel(axis: Axes, rows: pd.DataFrame, sets: list[str], bars: list[str]) -> None:
    width = 0.84 / len(bars)
    for number, bar in enumerate(bars):
        here = only(rows, bar=bar).set_index("group").reindex(sets)
        at = np.arange(len(sets)) + (number - (len(bars) - 1) / 2) * width
        height = numbers(here, "estimate")
        ends = np.stack([height - numbers(here, "ci_low"), numbers(here, "ci_high") - height])
        axis.bar(
            at,
            np.nan_to_num(height),
            width=width * 0.94,
            color=PALETTE[number % len(PALETTE)],
            hatch=_HATCHES[number % len(_HATCHES)],
            edgecolor="white",
            linewidth=0.5,
            label=bar,
        )
        known = np.isfinite(ends).all(axis=0)
        axis.errorbar(
            at[known],
            height[known],
            yerr=np.maximum(ends[:, known], 0.0),
            fmt="none",
            ecolor="black",
            elinewidth=1.0,
            capsize=2.5,
        )
    axis.axhline(0, color="black", linewidth=0.8)
    slanted = max(map(len, sets)) > 8 or len(sets) > 6
    axis.set_xticks(range(len(sets)), sets, rotation=30 if slanted else 0, ha="right" if slanted else "center")
    axis.set_ylabel("relative change [95 %]")
