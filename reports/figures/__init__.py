"""Figures of records: each drawn without a display, and saved as SVG and PNG with its data as CSV."""

from reports.figures.drawn import DrawnFigure, save_figures
from reports.run import SavedRun

__all__ = ["DrawnFigure", "figures_of", "save_figures"]


def figures_of(run: SavedRun) -> list[DrawnFigure]:
    """Those of the figures whose data the run has."""
    return []
