"""Forest plots: every row of every claim with its estimate, interval, margin and verdict."""

from collections.abc import Iterator, Sequence
from typing import Final

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from harness.records import ClaimRow
from reports.claim_tables import where
from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import GREY, VERDICTS, new_figure
from reports.run import SavedRun

_A_FIGURE: Final = 60
"""Rows of a figure; more go into another one."""

_A_TITLE: Final = 2.2
"""Rows whose height a claim's heading and axis take."""


def draw_forests(run: SavedRun) -> Iterator[DrawnFigure]:
    """Figures of whole claims, as many as their rows take; a claim with very many rows has several panels."""
    with_estimate = [row for row in run.record.claims if row.estimate is not None]
    panels = [
        rows[start : start + _A_FIGURE]
        for claim in dict.fromkeys(row.claim for row in with_estimate)
        for rows in [[row for row in with_estimate if row.claim == claim]]
        for start in range(0, len(rows), _A_FIGURE)
    ]
    pages = _pages(panels)
    for number, page in enumerate(pages, 1):
        yield _draw(run, page, f"forest-{number}" if len(pages) > 1 else "forest")


def _pages(panels: Sequence[Sequence[ClaimRow]]) -> list[list[Sequence[ClaimRow]]]:
    pages: list[list[Sequence[ClaimRow]]] = []
    for panel in panels:
        if pages and sum(map(len, pages[-1])) + len(panel) <= _A_FIGURE:
            pages[-1].append(panel)
        else:
            pages.append([panel])
    return pages


def _draw(run: SavedRun, page: Sequence[Sequence[ClaimRow]], name: str) -> DrawnFigure:
    heights = [len(panel) + _A_TITLE for panel in page]
    figure, axes = new_figure(len(page), columns=1, width=7.2, height=_height(sum(heights)) / len(page))
    grid = axes[0].get_gridspec()
    assert grid is not None, "every panel is one of a grid"
    grid.set_height_ratios(heights)
    for axis, panel in zip(axes, page, strict=True):
        _panel(axis, panel)
    rows = [row for panel in page for row in panel]
    seen = [verdict for verdict in VERDICTS if any(row.verdict == verdict for row in rows)]
    handles: list[Artist] = [
        Line2D([], [], marker=VERDICTS[verdict][0], color=VERDICTS[verdict][1], linestyle="none", label=_words(verdict))
        for verdict in seen
    ]
    handles.append(Line2D([], [], color=GREY, linestyle="--", label="margin"))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=8)
    counts = ", ".join(f"{sum(row.verdict == verdict for row in rows)} {_words(verdict)}" for verdict in seen)
    return drawn(
        figure,
        run,
        name=name,
        title=f"Estimates and verdicts: {', '.join(dict.fromkeys(row.claim for row in rows))}",
        caption="Estimate of each claim in each cell with its 95 % interval over relations, and the margin that it is"
        " held against; what has no estimate is left out. Each claim has its own scale.",
        alt_text=f"Forest plot of {len(rows)} estimates: {counts}.",
        data=pd.DataFrame([_record(row) for row in rows]),
    )


def _height(rows: float) -> float:
    """Inches of a figure, legend and the mark of a smoke run included."""
    return 1.0 + 0.24 * rows


def _panel(axis: Axes, rows: Sequence[ClaimRow]) -> None:
    for place, row in enumerate(rows):
        mark, colour = VERDICTS[row.verdict]
        if row.ci_low is not None and row.ci_high is not None:
            axis.hlines(place, row.ci_low, row.ci_high, color=colour, linewidth=1.6)
        axis.plot(row.estimate or 0.0, place, marker=mark, color=colour, markersize=6)
        if row.margin is not None:
            axis.plot([row.margin] * 2, [place - 0.45, place + 0.45], color=GREY, linewidth=1.1, linestyle="--")
    axis.set_yticks(range(len(rows)), [where(row) for row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    axis.set_title(rows[0].claim, loc="left", fontsize=9, fontweight="bold")


def _record(row: ClaimRow) -> dict[str, object]:
    names = ("claim", "model", "localizer", "threshold", "estimate", "ci_low", "ci_high", "margin", "verdict")
    return {name: getattr(row, name) for name in names}


def _words(verdict: str) -> str:
    return verdict.lower().replace("_", " ")
