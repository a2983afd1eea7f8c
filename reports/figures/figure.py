"""What all figures share: colours, axes, and how they are saved."""

import io
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
GREY: Final = "#595959"
"""Colours that people with any kind of colour vision tell apart (Okabe and Ito)."""


def new_figure(panels: int) -> tuple[Figure, list[Axes]]:
    """An empty figure with panels side by side; belongs to nobody but its caller, unlike one of pyplot."""
    figure = Figure(figsize=(4.4 * panels, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, panels, number + 1) for number in range(panels)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#E5E5E5", linewidth=0.8)
        axis.set_axisbelow(True)
    return figure, axes


def legend_above(axis: Axes, handles: list[Line2D] | None = None, *, columns: int) -> None:
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


def svg_of(figure: Figure) -> str:
    """The picture as SVG: the same picture is the same text, and its words stay words."""
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "kntests", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes the figure as SVG, for papers, and as PNG, for looking at.

    Raises:
        OSError: the folder cannot be written.
    """
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    svg.write_text(svg_of(figure), encoding="utf-8")
    figure.savefig(png, dpi=150)
    return [svg, png]
