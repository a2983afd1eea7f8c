"""CS2 of one half of a fact's queries against that of the other, and the reliability of CS2 that follows from it."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from harness.claims import Procedure, keyed_generator
from harness.statistics import Correlation, cluster_correlation, spearman_brown
from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import BLUE, GREY, new_figure
from reports.frames import known, numbers, only, words
from reports.paper import localizer_title
from reports.run import SavedRun

HALVES: Final = ("cs2_half_a", "cs2_half_b")
DRAWS: Final = 1000

_ACROSS: Final = 3
_A_FIGURE: Final = 12
"""Cells of a figure."""

_ONE_BY_ONE: Final = 400
"""Facts of a cell that are drawn where they lie; more are gathered into a grid, or a page would be full of dots."""

_GRID: Final = 0.05


def draw_split_halves(run: SavedRun) -> Iterator[DrawnFigure]:
    """One figure, or several of very many cells: a panel a model and localizer, a dot a fact."""
    if not set(HALVES) <= set(run.facts):  # a run of a version that saved no halves
        return
    both = known(known(run.facts, HALVES[0]), HALVES[1])
    cells = [(cell, only(both, model=cell[0], localizer=cell[1])) for cell in run.cells()]
    cells = [(cell, facts) for cell, facts in cells if len(facts)]
    for start in range(0, len(cells), _A_FIGURE):
        part = f"-{start // _A_FIGURE + 1}" if len(cells) > _A_FIGURE else ""
        yield _draw(run, cells[start : start + _A_FIGURE], f"split-halves{part}")


def _draw(run: SavedRun, cells: list[tuple[tuple[str, str], pd.DataFrame]], name: str) -> DrawnFigure:
    figure, axes = new_figure(len(cells), columns=_ACROSS, width=3.4, height=3.6)
    told: list[str] = []
    for place, (axis, ((model, localizer), facts)) in enumerate(zip(axes, cells, strict=True)):
        _panel(axis, *(numbers(facts, half) for half in HALVES))
        said = _said(_correlation(facts, model, localizer), len(facts), len(words(facts, "relation")))
        axis.set_title(f"{model}, {localizer_title(localizer)}\n{said}", fontsize=8, loc="left")
        axis.set_ylabel("" if place % _ACROSS else "CS2 of the other half")
        axis.set_xlabel("CS2 of one half" if place + _ACROSS >= len(cells) else "")
        told.append(f"{model}, {localizer}: {said}".replace("\n", "; "))
    return drawn(
        figure,
        run,
        name=name,
        title="CS2 of one half of a fact's queries against the other",
        caption="Facts with four scored queries or more: mean CS2 over the pairs of a fact's first, third, … query"
        " against that over the pairs of the others; the larger a dot, the more facts lie there (of more than"
        f" {_ONE_BY_ONE:,} facts, in a square of {_GRID:g}). r is Pearson's correlation; reliability, 2r / (1 + r), is"
        " the share of the variance of CS2 between facts that is no chance of the wording (Spearman and Brown). 95 %"
        " intervals over relations, which are drawn whole.",
        alt_text=f"Scatter of split halves. {'. '.join(told)}.",
        data=pd.concat([facts for _, facts in cells]).filter(["model", "localizer", "relation", "fact_uid", *HALVES]),
    )


def _panel(axis: Axes, first: Float[np.ndarray, " facts"], second: Float[np.ndarray, " facts"]) -> None:
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    at = np.stack([first, second])
    if len(first) > _ONE_BY_ONE:
        at = np.round(at / _GRID) * _GRID
    (x, y), count = np.unique(at, axis=1, return_counts=True)
    size = 10 + 90 * (count - 1) / max(1, count.max() - 1)
    axis.scatter(x, y, s=size, color=BLUE, alpha=0.6, linewidths=0)
    for ticks in (axis.set_xticks, axis.set_yticks):
        ticks([0.0, 0.25, 0.5, 0.75, 1.0])
    axis.set_xlim(-0.03, 1.03)
    axis.set_ylim(-0.03, 1.03)
    axis.set_aspect("equal")


def _correlation(facts: pd.DataFrame, model: str, localizer: str) -> Correlation | None:
    _, cluster = np.unique(facts["relation"].to_numpy(dtype=str), return_inverse=True)
    first, second = (numbers(facts, half) for half in HALVES)
    rng = keyed_generator(0, "split halves", f"{model} {localizer}")
    return cluster_correlation(first, second, cluster, draws=DRAWS, rng=rng)


def _said(found: Correlation | None, n_facts: int, n_relations: int) -> str:
    """Correlation and reliability with their intervals, if relations are enough and not all alike.

    Reliability rises with the correlation, so that the ends of its interval are those of the correlation's.
    """
    of = f"{n_facts:,} facts of {n_relations} relations"
    if found is None:
        return f"{of}: a half does not vary"
    interval = found.interval()
    few = Procedure(draws=DRAWS).too_few(n_relations) is not None
    told = not few and interval.low > -1 and interval.high < 1
    ends = [(found.r, interval.low, interval.high), tuple(map(_reliability, (found.r, interval.low, interval.high)))]
    r, reliability = (f"{value:.2f}" + (f" [{low:.2f}, {high:.2f}]" if told else "") for value, low, high in ends)
    return f"r {r}\nreliability {reliability}\n{of}"


def _reliability(r: float) -> float:
    found = spearman_brown(r)
    return -math.inf if found is None else found
