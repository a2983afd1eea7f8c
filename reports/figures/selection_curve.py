"""The share of K_II, and CS2 between its floor and its ceiling, against the selection of knowledge neurons."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from harness.records import SelectionRow, SensitivityRecord
from reports.figures.figure import BLUE, GREEN, GREY, ORANGE, VERDICTS, legend_above, mark_smoke, new_figure


def draw_selection_curve(record: SensitivityRecord) -> Figure:
    """Two panels over the selection fraction t.

    Left, the share of K_II with its 95 % interval, the margin that it is held against, and the verdict at every t.
    Right, mean CS2 with what it could at most be (the same query again) and at least (queries of other facts).
    """
    figure, (share, cs2) = new_figure(2)
    rows = record.selection
    _share(share, [row for row in rows if row.share_inconsistent is not None], record)
    _consistency(cs2, rows)
    for axis in (share, cs2):
        axis.set_xlabel("selection fraction t")
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlim(0, max(row.t for row in rows) * 1.04)
        axis.axvline(record.selected, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    figure.suptitle(f"{record.model}, {record.localizer}, {record.threshold}", fontsize=11)
    mark_smoke(figure, record.manifest.smoke)
    return figure


def _share(axis: Axes, rows: Sequence[SelectionRow], record: SensitivityRecord) -> None:
    t = [row.t for row in rows]
    shares = [row.share_inconsistent or 0.0 for row in rows]
    band = [row for row in rows if row.ci_low is not None and row.ci_high is not None]
    axis.fill_between(
        [row.t for row in band],
        [row.ci_low or 0.0 for row in band],
        [row.ci_high or 0.0 for row in band],
        color=BLUE,
        alpha=0.18,
        linewidth=0,
    )
    axis.plot(t, shares, color=BLUE, linewidth=1.6)
    axis.axhline(record.margin, color=ORANGE, linewidth=1.2, linestyle="--")
    for row, height in zip(rows, shares, strict=True):
        axis.plot(row.t, height, marker=VERDICTS[row.prevalence][0], color=BLUE, markersize=6, clip_on=False)
    seen = dict.fromkeys(row.prevalence for row in rows)
    handles: list[Artist] = [
        Line2D([], [], color=BLUE, marker=VERDICTS[verdict][0], linestyle="none", label=_words(verdict))
        for verdict in seen
    ]
    handles.append(Line2D([], [], color=ORANGE, linestyle="--", label=f"margin {record.margin:g}"))
    handles.append(Line2D([], [], color=GREY, linestyle=":", label=f"t of a run, {record.selected:g}"))
    legend_above(axis, handles, columns=2)
    axis.set_ylabel("share of facts that are K_II [95 %]")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:.0%}"))


def _consistency(axis: Axes, rows: Sequence[SelectionRow]) -> None:
    for name, label, colour, style in (
        ("ceiling", "ceiling: one query again", GREEN, "--"),
        ("mean_cs2", "queries of one fact", BLUE, "-"),
        ("floor", "floor: queries exchanged", ORANGE, "-."),
    ):
        points = [(row.t, value) for row in rows if (value := getattr(row, name)) is not None]
        mark = "o" if name == "mean_cs2" else ""
        axis.plot(*zip(*points, strict=True), color=colour, linestyle=style, marker=mark, markersize=4, label=label)
    axis.set_ylabel("mean CS2")
    legend_above(axis, columns=2)


def _words(verdict: str) -> str:
    return verdict.lower().replace("_", " ")
