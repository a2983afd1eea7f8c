"""Curves of power and coverage as small SVG files, the same to the byte for the same numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.calibration.criterion import FEWEST_COVERED, LEAST_POWER, MOST_COVERED

Points: TypeAlias = Sequence[tuple[int, float]]

COLUMNS: Final = 3
STYLE: Final[dict[Any, Any]] = {"svg.hashsalt": "calibration", "svg.fonttype": "none", "font.size": 8}
"""Text stays text, and names of parts do not change from one writing to the next."""


def draw_power(curves: Mapping[str, Mapping[int, Points]], path: Path) -> None:
    """A panel a rule: power against relations, a line a number of facts."""
    with mpl.rc_context(STYLE):
        figure, panels = _panels(list(curves))
        for panel, lines in zip(panels, curves.values(), strict=True):
            for (facts, points), dashes in zip(lines.items(), ("--", "-"), strict=False):
                panel.plot(*zip(*points, strict=True), dashes, color="C0", marker="o", markersize=3, label=f"{facts}")
            panel.axhline(LEAST_POWER, color="0.7", linewidth=0.8)
            panel.set_ylim(-0.03, 1.03)
            panel.legend(title="facts", loc="lower right", fontsize=7, title_fontsize=7)
        _save(figure, path)


def draw_coverage(curves: Mapping[str, Sequence[Points]], path: Path) -> None:
    """A panel an interval: coverage against relations, a line a world and number of facts."""
    with mpl.rc_context(STYLE):
        figure, panels = _panels(list(curves))
        for panel, lines in zip(panels, curves.values(), strict=True):
            panel.axhspan(FEWEST_COVERED, MOST_COVERED, color="0.9")
            for points in lines:
                panel.plot(*zip(*points, strict=True), color="C0", linewidth=0.7, alpha=0.6)
            panel.set_ylim(0.7, 1.005)
        _save(figure, path)


def _panels(titles: Sequence[str]) -> tuple[Figure, list[Axes]]:
    rows = max(1, -(-len(titles) // COLUMNS))
    figure = Figure(figsize=(9, 2.3 * rows), layout="constrained")
    panels: list[Axes] = []
    for number, title in enumerate(titles, 1):
        panel = figure.add_subplot(rows, COLUMNS, number)
        panel.set_title(title, fontsize=8)
        panel.set_xlabel("relations")
        panels.append(panel)
    return figure, panels


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None})
