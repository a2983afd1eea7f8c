"""Violins: CS2 by relation (Figures 3, 8, 9) and predominance by class (Figure 5)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any, Final, Literal, cast

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import BLUE, GREY, ORANGE, PALETTE, legend_above, new_figure
from reports.frames import groups, known, numbers, only, words
from reports.paper import localizer_title
from reports.run import SavedRun

_NUMBERS: Final = {"ig": "Figure 3: ", "sig": "Figure 8: ", "amig": "Figure 9: "}
_A_ROW: Final = 36
"""Violins beside each other; more go into a row below."""

_FEWEST: Final = 5
"""Values of which a density is drawn; fewer are drawn one by one."""

_STYLES: Final[tuple[Literal["--", ":", "-."], ...]] = ("--", ":", "-.")


def draw_cs2_by_relation(run: SavedRun) -> Iterator[DrawnFigure]:
    """A figure a cell: the CS2 of every relation's facts, and where the thresholds cut."""
    for model, localizer in run.cells():
        facts = known(only(run.facts, model=model, localizer=localizer), "cs2")
        if facts.empty:
            continue
        of_relation = {relation: numbers(rows, "cs2") for (relation,), rows in groups(facts, "relation")}
        medians = {relation: float(np.median(values)) for relation, values in of_relation.items()}
        order = sorted(medians, key=lambda relation: (-medians[relation], relation))
        samples = {relation: of_relation[relation] for relation in order}
        figure, axes = _violins(samples)
        cuts = _cuts(run, model, localizer)
        for axis in axes:
            handles = [
                axis.axhline(cut, color=ORANGE, linewidth=1.2, linestyle=style, label=f"{name}: {cut:.3g}")
                for style, (name, cut) in zip(cycle(_STYLES), cuts.items(), strict=False)
            ]
            axis.set_ylim(-0.02, 1.02)
            axis.set_ylabel("CS2")
            if handles and axis is axes[0]:
                legend_above(axis, [*handles], columns=len(handles))
        figure.suptitle(f"{model}, {localizer_title(localizer)}", fontsize=11)
        highest, lowest = order[0], order[-1]
        yield drawn(
            figure,
            run,
            name=f"cs2-by-relation-{model}-{localizer}",
            title=f"{_NUMBERS.get(localizer, '')}CS2 by relation; {model}, {localizer_title(localizer)}",
            caption="Density of CS2 over the facts of each relation, medians as bars, relations by falling median."
            " Facts at or below a threshold are inconsistent (K_II).",
            alt_text=f"Violin plot of CS2 for {len(samples)} relations of {model} under {localizer}: medians from"
            f" {medians[lowest]:.2f} ({lowest}) to {medians[highest]:.2f} ({highest}); thresholds"
            f" {', '.join(f'{name} at {cut:.3g}' for name, cut in cuts.items()) or 'none'}.",
            data=facts.filter(["model", "localizer", "relation", "fact_uid", "cs2"]),
        )


def draw_predominance(run: SavedRun) -> Iterator[DrawnFigure]:
    """Figure 5: a figure a localizer and threshold, two violins a model."""
    data = run.figures.get("figure-5")
    if data is None:
        return
    for (localizer, threshold), rows in groups(known(data, "value"), "localizer", "threshold"):
        parts = groups(rows, "model", "group")
        samples = {f"{model}: {group}": numbers(part, "value") for (model, group), part in parts}
        classes = words(rows, "group")
        colours = [PALETTE[classes.index(group) % len(PALETTE)] for (_, group), _ in parts]
        figure, axes = _violins(samples, colours)
        for axis in axes:
            axis.set_ylabel("P")
        figure.suptitle(f"{localizer_title(localizer)}, {threshold}", fontsize=11)
        means = ", ".join(f"{label} {values.mean():.2f}" for label, values in samples.items())
        yield drawn(
            figure,
            run,
            name=f"figure-5-{localizer}-{threshold}",
            title=f"Figure 5: predominance P; {localizer_title(localizer)}, {threshold}",
            caption="Density of P over facts: the largest share of a fact's queries whose most attended token is the"
            " same one. Medians as bars.",
            alt_text=f"Violin plot of predominance for {len(samples)} groups of facts; means: {means}.",
            data=rows,
        )


def _violins(
    samples: Mapping[str, Float[np.ndarray, " facts"]], colours: Sequence[str] | None = None
) -> tuple[Figure, list[Axes]]:
    """A violin a sample, in rows of equal length."""
    labels = list(samples)
    n_rows = math.ceil(len(labels) / _A_ROW)
    a_row = math.ceil(len(labels) / n_rows)
    figure, axes = new_figure(n_rows, columns=1, width=max(4.4, 1.2 + 0.3 * a_row), height=3.2)
    for number, axis in enumerate(axes):
        here = labels[number * a_row : (number + 1) * a_row]
        for place, label in enumerate(here):
            _violin(axis, place, samples[label], BLUE if colours is None else colours[number * a_row + place])
        axis.set_xticks(range(len(here)), here, rotation=90 if max(map(len, here)) > 3 else 0, fontsize=8)
        axis.set_xlim(-0.7, a_row - 0.3)
    return figure, axes


def _violin(axis: Axes, place: int, values: Float[np.ndarray, " facts"], colour: str) -> None:
    if len(values) >= _FEWEST and float(np.ptp(values)) > 0:
        parts = cast(Any, axis).violinplot([values], [place], widths=0.85, showextrema=False, points=60, bw_method=0.25)
        for body in parts["bodies"]:
            body.set(facecolor=colour, edgecolor=colour, alpha=0.45, linewidth=0.6)
    else:
        axis.plot([place] * len(values), values, marker=".", linestyle="none", color=colour, markersize=3)
    axis.plot([place - 0.28, place + 0.28], [float(np.median(values))] * 2, color=GREY, linewidth=1.4)


def _cuts(run: SavedRun, model: str, localizer: str) -> dict[str, float]:
    """Where the thresholds of this cell cut CS2 over all queries, by their names."""
    rows = run.rows("prevalence") or run.rows("separation")
    of_cell = {name: row.extras.get("paper") or {} for (*cell, name), row in rows.items() if cell == [model, localizer]}
    return {name: float(paper["cut"]) for name, paper in of_cell.items() if paper.get("cut") is not None}
