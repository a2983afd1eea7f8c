"""Figures of records: each drawn without a display, and saved as SVG and PNG with its data as CSV."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from reports.figures.bars import draw_bars
from reports.figures.calibration import draw_calibration
from reports.figures.drawn import DrawnFigure, save_figures
from reports.figures.figure import drawing
from reports.figures.forest import draw_forests
from reports.figures.heatmaps import draw_heatmaps
from reports.figures.nulls import draw_nulls
from reports.figures.split_halves import draw_split_halves
from reports.figures.threshold_curves import draw_threshold_curves
from reports.figures.violins import draw_cs2_by_relation, draw_predominance
from reports.file_names import told_apart
from reports.run import SavedRun

__all__ = ["DrawnFigure", "figures_of", "save_figures"]

_DRAW: Final[tuple[Callable[[SavedRun], Iterator[DrawnFigure]], ...]] = (
    draw_forests,
    draw_threshold_curves,
    draw_nulls,
    draw_cs2_by_relation,
    draw_split_halves,
    draw_heatmaps,
    draw_bars,
    draw_predominance,
    draw_calibration,
)


def figures_of(run: SavedRun) -> list[DrawnFigure]:
    """Those of the figures whose data the run has."""
    with drawing():
        figures = [figure for draw in _DRAW for figure in draw(run)]
    names = told_apart(figure.name for figure in figures)
    return [replace(figure, name=name) for figure, name in zip(figures, names, strict=True)]
