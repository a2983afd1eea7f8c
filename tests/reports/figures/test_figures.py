"""Figures of a run: what is drawn is what the run holds, under any name, and the same each time."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from harness.errors import StoreError
from reports.figures import figures_of, save_figures
from reports.figures.figure import VERDICTS
from reports.figures.forest import draw_forests
from reports.figures.threshold_curves import draw_threshold_curves
from reports.file_names import file_name
from reports.run import SavedRun, read_saved_run
from tests.reports.saved import CLAIMS, CURVE, ROW, facts, save

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> SavedRun:
    return read_saved_run(save(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def figures(run):
    return {figure.name: figure for figure in figures_of(run)}


def texts(figure) -> list[str]:
    """What stands in the picture."""
    return ["".join(text.itertext()) for text in ET.fromstring(figure.svg).iter("{http://www.w3.org/2000/svg}text")]


def test_there_is_a_figure_for_all_that_the_run_holds(figures):
    assert list(figures) == [
        "forest",
        "share-over-threshold",
        "cs2-against-nulls",
        *(f"cs2-by-relation-{model}-{localizer}" for model in ("gpt2", "mine") for localizer in ("ig", "sig")),
        "figure-1-gpt2-ig",
        "figure-7-gpt2-ig",
        "figure-4-ig-otsu",
        "figure-5-ig-otsu",
        "calibration",
    ]
    titles = [figure.title for figure in figures.values()]
    assert "Figure 3: CS2 by relation; gpt2, Dai et al. (ig)" in titles
    assert "Figure 8: CS2 by relation; mine, Enguehard (sig)" in titles


def test_every_figure_has_its_words_and_is_well_formed(figures):
    for figure in figures.values():
        assert ET.fromstring(figure.svg).tag.endswith("svg")
        assert len(figure.data) > 0
        for words in (figure.title, figure.caption, figure.alt_text):
            assert words.strip()
            assert not re.search(r"\bnan\b", words)
        assert "not a result" not in figure.svg


def test_the_same_run_is_the_same_picture(run, figures):
    for figure in figures_of(run):
        assert figure.svg == figures[figure.name].svg
        pd.testing.assert_frame_equal(figure.data, figures[figure.name].data)


def test_violins_are_of_the_facts_with_a_score_by_falling_median(figures):
    figure = figures["cs2-by-relation-mine-sig"]
    known = facts()
    known = known[(known["model"] == "mine") & (known["localizer"] == "sig") & known["cs2"].notna()]
    assert sorted(figure.data["cs2"]) == sorted(known["cs2"])
    medians = known.groupby("relation")["cs2"].median()
    (axis,) = figure.figure.axes
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert sorted(labels) == sorted(medians.index)
    assert medians[labels].is_monotonic_decreasing
    bars = [line.get_ydata()[0] for line in axis.lines if line.get_linewidth() == 1.4]
    assert bars == pytest.approx(list(medians[labels]))
    (body, *_) = (artist for artist in axis.collections if len(artist.get_paths()))
    heights = body.get_paths()[0].vertices[:, 1]
    first = known.loc[known["relation"] == labels[0], "cs2"]
    assert (heights.min(), heights.max()) == pytest.approx((first.min(), first.max()))


def test_thresholds_are_where_the_claims_cut(figures):
    (axis,) = figures["cs2-by-relation-gpt2-ig"].figure.axes
    assert [line.get_label() for line in axis.lines if ":" in str(line.get_label())] == ["static:0.1: 0.1", "otsu: 0.1"]


def test_bars_have_their_heights_and_intervals(figures):
    (axis,) = figures["figure-4-ig-otsu"].figure.axes
    heights = [[bar.get_height() for bar in bars] for bars in axis.containers if hasattr(bars[0], "get_height")]
    assert heights == [[0.5, 0.5], [0.5, 0.0]]
    ends = [segment[:, 1].tolist() for artist in axis.collections for segment in artist.get_segments()]
    assert ends == [[0.4, 0.7]] * 3


def test_heatmaps_share_a_scale_and_leave_out_what_has_no_value(figures):
    one, another, bar = figures["figure-7-gpt2-ig"].figure.axes
    first, second = (axis.images[0].get_array() for axis in (one, another))
    assert np.asarray(first).tolist() == [[row - column + 0.5 for column in range(4)] for row in range(3)]
    assert np.isnan(np.ma.filled(second.astype(float), np.nan)[2, 3])
    assert one.images[0].norm is another.images[0].norm
    assert (one.images[0].norm.vmin, one.images[0].norm.vmax) == (-3.0, 3.0)
    assert bar.get_ylabel() == "activation"


def test_curve_is_that_of_the_row(figures):
    axis = figures["share-over-threshold"].figure.axes[0]
    assert axis.lines[0].get_xdata().tolist() == CURVE["cuts"]
    assert axis.lines[0].get_ydata().tolist() == CURVE["shares"]
    assert figures["share-over-threshold"].data["high"].tolist() == CURVE["high"] * 4
    assert "gpt2, ig: 44%" in figures["share-over-threshold"].alt_text


def test_nulls_are_those_of_the_row(figures):
    (axis,) = figures["cs2-against-nulls"].figure.axes
    found = {str(line.get_label()).partition(":")[0]: line.get_xdata().tolist() for line in axis.lines}
    assert found == {
        "floor": [0.05] * 4,
        "answer floor": [0.04] * 4,
        "queries of one fact": [0.13] * 4,
        "ceiling": [0.8] * 4,
    }


def test_forest_shows_every_estimate_and_tells_verdicts_by_shape(figures):
    figure = figures["forest"]
    with_estimate = [row for row in CLAIMS if row.estimate is not None]
    assert figure.data["estimate"].tolist() == [row.estimate for row in with_estimate]
    marks = [line.get_marker() for axis in figure.figure.axes for line in axis.lines if line.get_marker() != "None"]
    assert marks == [VERDICTS[row.verdict][0] for row in with_estimate]
    assert "1 refuted" in figure.alt_text
    assert (
        len({mark for mark, _ in VERDICTS.values()})
        == len(VERDICTS)
        == len({colour for _, colour in VERDICTS.values()})
    )


def test_very_many_rows_go_into_several_figures(tmp_path):
    rows = (*(replace(ROW, model=f"m{number}") for number in range(70)), replace(ROW, claim="other"))
    run = read_saved_run(save(tmp_path, claims=rows))
    assert [(figure.name, len(figure.data)) for figure in draw_forests(run)] == [("forest-1", 60), ("forest-2", 11)]


def test_curves_of_very_many_models_go_into_several_figures(tmp_path):
    run = read_saved_run(save(tmp_path, claims=tuple(replace(ROW, model=f"m{number}") for number in range(13))))
    found = [(figure.name, len(figure.data)) for figure in draw_threshold_curves(run)]
    assert found == [("share-over-threshold-1", 48), ("share-over-threshold-2", 4)]


def test_a_smoke_run_says_so_in_picture_words_and_data(tmp_path):
    reason = "built-in model tiny-gpt2"
    for figure in figures_of(read_saved_run(save(tmp_path, smoke=reason))):
        shown = " ".join(texts(figure))
        assert "not a result" in shown
        assert reason in shown
        assert figure.caption.startswith("Smoke run, not a result: built-in")
        assert figure.alt_text.startswith("Not a result.")
        assert set(figure.data["not_a_result"]) == {reason}


def test_no_name_is_too_strange(tmp_path):
    name = "a/../b$x^2$ & <i>中\n"
    save(tmp_path, claims=(replace(ROW, model=name), replace(ROW, model="a.. b x 2 i")))
    for path in tmp_path.rglob("*.csv"):
        frame = pd.read_csv(path, keep_default_na=False)
        frame.loc[frame["model"] == "gpt2", "model"] = name
        frame.to_csv(path, index=False)
    figures = figures_of(read_saved_run(tmp_path))
    assert len({figure.name for figure in figures}) == len(figures)
    assert all("/" not in figure.name and "\n" not in figure.name for figure in figures)
    assert any("b$x^2$ & <i>中" in text for figure in figures for text in texts(figure))
    written = save_figures(figures[:2], tmp_path / "out")
    assert {path.parent for path in written} == {tmp_path / "out"}


def test_names_that_fall_together_are_numbered(tmp_path):
    save(tmp_path, claims=())
    for path in tmp_path.glob("figures/*.csv"):
        path.unlink()
    frame = pd.read_csv(tmp_path / "facts.csv", keep_default_na=False)
    frame["model"] = frame["model"].map({"gpt2": "a b", "mine": "a-b"})
    frame.to_csv(tmp_path / "facts.csv", index=False)
    names = [figure.name for figure in figures_of(read_saved_run(tmp_path)) if figure.name.startswith("cs2-by")]
    assert names == [f"cs2-by-relation-a-b-{rest}" for rest in ("ig", "sig", "ig-2", "sig-2")]
    assert file_name("../x y") == "x-y"


def test_files_are_the_figure_and_its_data(tmp_path, figures):
    written = save_figures([figures["cs2-against-nulls"]], tmp_path / "new" / "folder")
    assert [path.name for path in written] == [f"cs2-against-nulls.{kind}" for kind in ("svg", "png", "csv")]
    svg, png, csv = written
    assert svg.read_text() == figures["cs2-against-nulls"].svg
    assert png.read_bytes().startswith(PNG)
    assert pd.read_csv(csv)["mean_cs2"].tolist() == [0.13] * 4
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the figures cannot be written"):
        save_figures([figures["cs2-against-nulls"]], tmp_path / "file" / "folder")


def test_a_run_without_data_has_no_figure_and_settings_of_matplotlib_stay(tmp_path):
    before = dict(mpl.rcParams)
    save(tmp_path, claims=())
    for path in (*tmp_path.glob("figures/*.csv"), tmp_path / "edits.csv"):
        path.unlink()
    (tmp_path / "facts.csv").write_text("\n")
    assert figures_of(read_saved_run(tmp_path)) == []
    assert dict(mpl.rcParams) == before
