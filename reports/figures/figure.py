"""What all figures share: colours, axes, the mark of a smoke run, and how they are saved."""

import io
import math
import textwrap
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
GREY: Final = "#595959"
PALETTE: Final = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
"""Colours that people with any kind of colour vision tell apart (Okabe and Ito)."""

VERDICTS: Final = {
    "SUPPORTED": ("^", GREEN),
    "REFUTED": ("v", ORANGE),
    "INCONCLUSIVE": ("o", BLUE),
    "VOID": ("X", "#000000"),
    "NOT_APPLICABLE": ("s", GREY),
}
"""Mark and colour of a verdict: it is not told by colour alone."""

_PIXELS: Final = 150


@contextmanager
def drawing() -> Generator[None]:
    """What drawing depends on: names are drawn as they stand, whatever dollar signs they hold."""
    with mpl.rc_context({"text.parse_math": False, "font.size": 9, "axes.titlesize": 9}):
        yield


def new_figure(
    panels: int, *, columns: int | None = None, width: float = 4.4, height: float = 3.6
) -> tuple[Figure, list[Axes]]:
    """An empty figure with panels side by side; belongs to nobody but its caller, unlike one of pyplot.

    Args:
        panels: how many.
        columns: panels beside each other; all of them if None.
        width: of a panel, in inches.
        height: of a panel, in inches.
    """
    across = panels if columns is None else min(columns, panels)
    down = math.ceil(panels / across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(down, across, number + 1) for number in range(panels)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#E5E5E5", linewidth=0.8)
        axis.set_axisbelow(True)
    return figure, axes


def legend_above(axis: Axes, handles: list[Artist] | None = None, *, columns: int) -> None:
    """A legend above the panel, where it covers no line."""
    entries = axis.get_legend_handles_labels()[0] if handles is None else handles
    axis.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=8,
        columnspacing=1.0,
        handlelength=1.8,
        borderaxespad=0.2,
    )


def mark_smoke(figure: Figure, reason: str | None) -> None:
    """Writes over the figure of a smoke run that it is not a result, and below it why."""
    if reason is None:
        return
    width, height = figure.get_size_inches()
    size = min(60.0, 9.0 * width, 16.0 * height)
    figure.text(
        0.5, 0.5, "not a result", size=size, rotation=20, color=GREY, alpha=0.16, ha="center", va="center", zorder=10
    )
    lines = textwrap.fill(f"Smoke run, not a result: {reason}", width=max(30, int(width * 16)))
    figure.supxlabel(lines, fontsize=7, color=GREY)


def svg_of(figure: Figure) -> str:
    """The picture as SVG: the same picture is the same text, and its words stay words."""
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "kntests", "svg.fonttype": "none"}), _any_letters():
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def png_of(figure: Figure) -> bytes:
    """The picture as PNG."""
    stream = io.BytesIO()
    with _any_letters():
        figure.savefig(stream, format="png", dpi=_PIXELS)
    return stream.getvalue()


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes the figure as SVG, for papers, and as PNG, for looking at.

    Raises:
        OSError: the folder cannot be written.
    """
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    svg.write_text(svg_of(figure), encoding="utf-8")
    png.write_bytes(png_of(figure))
    return [svg, png]


@contextmanager
def _any_letters() -> Generator[None]:
    """Lets a name be written in letters that the font lacks: the SVG keeps them, the PNG has boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield
