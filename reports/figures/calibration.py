"""How often the rules that decided a run err, and how often they see what is there, with as many relations."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from reports.figures.drawn import DrawnFigure, drawn
from reports.figures.figure import BLUE, GREEN, GREY, ORANGE, new_figure
from reports.frames import only, records, words
from reports.run import SavedRun

_ACROSS: Final = 3
_FEW, _MANY = (0, (3, 2)), "-"
"""Lines of the fewest and the most facts a relation that were simulated."""


@cache
def calibration() -> pd.DataFrame:
    """What was simulated: the columns of `scripts/calibration/table.py`, written by `make calibrate`."""
    with files("reports").joinpath("calibration.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, keep_default_na=False, na_values={"allowed": [""]})


def draw_calibration(run: SavedRun) -> Iterator[DrawnFigure]:
    """One figure: a panel a rule that was simulated and decides a claim of the run."""
    known = calibration()
    relations: dict[str, tuple[int, int]] = {}
    for rule in words(known, "rule"):
        found = _relations_of(run, only(known, rule=rule)["claims"].iloc[0].split())
        if found:
            relations[rule] = (min(found), max(found))
    if not relations:
        return
    data = cast(pd.DataFrame, known[known["rule"].isin(list(relations))].copy())
    for place, column in enumerate(("run_relations_min", "run_relations_max")):
        data[column] = [relations[str(rule)][place] for rule in data["rule"]]
    figure, axes = new_figure(len(relations), columns=_ACROSS, width=3.6, height=2.7)
    for place, (axis, (rule, ends)) in enumerate(zip(axes, relations.items(), strict=True)):
        _panel(axis, only(data, rule=rule), ends)
        axis.set_title(rule, fontsize=8, loc="left")
        axis.set_xlabel("relations" if place + _ACROSS >= len(relations) else "")
        axis.set_ylabel("" if place % _ACROSS else "share of populations")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=4, frameon=False, fontsize=8)
    populations = data["populations"]
    yield drawn(
        figure,
        run,
        name="calibration",
        title="How often these rules err, and how often they see",
        caption="Simulated populations whose truth is known: the share in which a rule says what is wrong (the worst of"
        " the simulated worlds; the dashed grey line is the most that is allowed) and what is right (power, in a world"
        " that the rule should see). Dashed: the fewest facts a relation that were simulated, full: the most. The"
        f" green band: the relations that this run has. Each point is counted in {populations.min():,} to"
        f" {populations.max():,} populations or more, without the controls that a claim has besides.",
        alt_text="Curves of error and power against the number of relations. "
        + " ".join(_told(only(data, rule=rule), ends) for rule, ends in relations.items()),
        data=data,
    )


def _relations_of(run: SavedRun, claims: list[str]) -> list[int]:
    """Relations of every row of these claims that rests on any."""
    return [row.n_relations for row in run.record.claims if row.claim in claims and row.n_relations]


def _panel(axis: Axes, data: pd.DataFrame, ends: tuple[int, int]) -> None:
    facts = sorted({int(row["facts"]) for row in records(data)})
    for number in dict.fromkeys((facts[0], facts[-1])):
        style = _MANY if number == facts[-1] else _FEW
        for curve, colour, mark, label in ((_errors, ORANGE, "v", "errs"), (_power, BLUE, "o", "sees")):
            points = curve(data, number)
            name = label if style == _MANY else None
            axis.plot(*zip(*points, strict=True), color=colour, linestyle=style, marker=mark, markersize=4, label=name)
    allowed = sorted({(int(row["relations"]), float(row["allowed"])) for row in records(only(data, truth="wrong"))})
    axis.plot(
        *zip(*allowed, strict=True), color=GREY, linewidth=0.9, linestyle="--", label="allowed", drawstyle="steps-post"
    )
    axis.axvspan(ends[0] - 0.4, ends[1] + 0.4, color=GREEN, alpha=0.25, linewidth=0, label="this run")
    axis.set_xlim(0, max(max(row["relations"] for row in records(data)), ends[1]) + 2)
    axis.set_ylim(-0.03, 1.03)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _errors(data: pd.DataFrame, facts: int) -> list[tuple[int, float]]:
    """The largest error of all worlds, by relations."""
    largest: dict[int, float] = {}
    for row in records(only(data, truth="wrong")):
        if row["facts"] == facts:
            largest[row["relations"]] = max(row["share"], largest.get(row["relations"], 0.0))
    return sorted(largest.items())


def _power(data: pd.DataFrame, facts: int) -> list[tuple[int, float]]:
    """Power in the world in which it is looked at, by relations."""
    return sorted((row["relations"], row["share"]) for row in records(data) if row["asked"] and row["facts"] == facts)


def _told(data: pd.DataFrame, ends: tuple[int, int]) -> str:
    """What a rule comes to with the number of relations that was simulated and is nearest to the run's."""
    rule, facts = words(data, "rule")[0], max(int(row["facts"]) for row in records(data))
    told = " to ".join(str(end) for end in dict.fromkeys(ends))
    parts: list[str] = []
    for curve, verb in ((_errors, "errs"), (_power, "sees what is there")):
        at, share = min(curve(data, facts), key=lambda point: abs(point[0] - ends[1]))
        parts.append(f"{verb} in {share:.1%} of populations of {at} relations")
    return f"{rule} ({told} relations here): {' and '.join(parts)}, of {facts} facts each."
