"""A figure that was drawn: its picture, its words and its data; and how it is saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from harness.atomic import write_atomically
from harness.errors import StoreError
from reports.figures.figure import mark_smoke, png_of, svg_of
from reports.file_names import file_name
from reports.formats.csv import NOT_A_RESULT
from reports.run import SavedRun


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnFigure:
    """A figure of a run.

    Attributes:
        name: file name without its ending; unique within the run.
        title: what it shows, in a line.
        caption: how to read it, in plain text.
        alt_text: for somebody who cannot see it: what is drawn, and its main numbers.
        svg: the picture, one `<svg>` element behind an XML declaration.
        data: the numbers that were drawn.
        figure: what draws it.
    """

    name: str
    title: str
    caption: str
    alt_text: str
    svg: str
    data: pd.DataFrame
    figure: Figure


def drawn(
    figure: Figure, run: SavedRun, *, name: str, title: str, caption: str, alt_text: str, data: pd.DataFrame
) -> DrawnFigure:
    """Draws the picture; if the run is a smoke run, picture, words and data say so.

    Args:
        figure: all but the mark of a smoke run.
        run: whose figure it is.
        name: of its files, whatever is in it.
        title: see `DrawnFigure`.
        caption: see `DrawnFigure`.
        alt_text: see `DrawnFigure`.
        data: see `DrawnFigure`.
    """
    mark_smoke(figure, run.smoke)
    if run.smoke is not None:
        data = data.assign(**{NOT_A_RESULT: run.smoke})
        caption = f"Smoke run, not a result: {run.smoke}. {caption}"
        alt_text = f"Not a result. {alt_text}"
    return DrawnFigure(
        name=file_name(name),
        title=title,
        caption=caption,
        alt_text=alt_text,
        svg=svg_of(figure),
        data=data,
        figure=figure,
    )


def save_figures(figures: Iterable[DrawnFigure], folder: Path) -> list[Path]:
    """Writes each figure as SVG, for papers, as PNG, for looking at, and its data as CSV.

    Returns:
        What was written.

    Raises:
        StoreError: the folder cannot be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in figures:
            csv = one.data.to_csv(index=False).encode()
            for ending, content in (("svg", one.svg.encode()), ("png", png_of(one.figure)), ("csv", csv)):
                path = folder / f"{one.name}.{ending}"
                write_atomically(path, content)
                written.append(path)
    except OSError as error:
        raise StoreError(f"the figures cannot be written: {error.strerror}", path=folder) from error
    return written
