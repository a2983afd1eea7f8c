from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.collections import PolyCollection

from reports.figures.figure import save_figure
from reports.figures.selection_curve import draw_selection_curve
from tests.reports.test_sensitivity import EMPTY, ROW, record

ROWS = [replace(ROW, t=t, share_inconsistent=t, ci_low=t / 2, ci_high=2 * t) for t in (0.1, 0.2, 0.3)]


def test_lines_and_band_are_the_rows() -> None:
    share, cs2 = draw_selection_curve(record(*ROWS, EMPTY)).axes
    curve = share.lines[0]
    assert curve.get_xydata().tolist() == [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]
    (band,) = (artist for artist in share.collections if isinstance(artist, PolyCollection))
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert {(0.1, 0.05), (0.3, 0.15), (0.3, 0.6), (0.1, 0.2)} <= corners
    heights = {line.get_label(): line.get_ydata()[0] for line in cs2.lines if not line.get_label().startswith("_")}
    assert list(heights.values()) == [0.8, 0.3, 0.05]
    assert [text.get_text() for text in share.get_legend().get_texts()] == [
        *("supported", "margin 0.25", "t of a run, 0.2"),
    ]


def test_a_verdict_is_told_by_shape() -> None:
    rows = [replace(ROWS[0], prevalence="REFUTED"), ROWS[1], replace(ROWS[2], prevalence="VOID")]
    share, _ = draw_selection_curve(record(*rows)).axes
    assert [
        line.get_marker() for line in share.lines if len(line.get_xdata()) == 1 and line.get_marker() != "None"
    ] == [
        "v",
        "^",
        "X",
    ]


def test_nothing_to_draw_is_an_empty_picture(tmp_path: Path) -> None:
    save_figure(draw_selection_curve(record(EMPTY)), tmp_path, "empty")
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_the_same_record_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_figure(draw_selection_curve(record(*ROWS)), tmp_path, name)
    for kind in ("svg", "png"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        save_figure(draw_selection_curve(record(*ROWS)), tmp_path / "nowhere", "one")
