"""Runs side by side: what is compared with what, and that its numbers are those of the facts."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.errors import ConfigError
from reports.compare.facts import fact_changes
from reports.compare.formats import TEXTS, tables_of
from reports.compare.side_by_side import compare_saved
from reports.frames import only
from reports.gate.limits import parse_limits
from reports.run import read_saved_run
from tests.reports.saved import CLAIMS, MANIFEST, ROW, save

ALONE = {"gpt2": MANIFEST.models["gpt2"]}
MINE = {"mine": MANIFEST.models["mine"]}


def shifted(folder, *, by=0.0, model=None, less=0, **manifest):
    """A run whose facts have another CS2, or belong to another model alone."""
    rows = CLAIMS if model is None else (ROW, replace(ROW, threshold="otsu"))
    save(folder, claims=rows if model is None else tuple(replace(row, model=model) for row in rows), **manifest)
    for path in (folder / "facts.csv", folder / "edits.csv"):
        frame = pd.read_csv(path, keep_default_na=False, na_values={"cs2": [""]})
        if model is not None:
            frame = frame[frame["model"] == "gpt2"].assign(model=model)
        if "query_index" in frame:
            frame = frame[frame["query_index"] == 0]
        if "cs2" in frame:
            frame["cs2"] += by * np.arange(len(frame)) / len(frame)
        frame.iloc[less:].to_csv(path, index=False)
    return read_saved_run(folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return (
        shifted(root / "0001_a"),
        shifted(root / "0002_b", by=0.2),
        shifted(root / "0003_c", by=-0.01, less=7, settings={**MANIFEST.settings, "known_only": True}),
    )


@pytest.fixture(scope="module")
def compared(runs):
    return compare_saved(runs, draws=200)


def test_differences_are_those_of_the_same_facts(runs):
    changes = fact_changes(runs[0], runs[2], draws=400, seed=0)
    frames = [only(run.facts, model="gpt2", localizer="ig") for run in (runs[0], runs[2])]
    both = frames[0].merge(frames[1], on="fact_uid", suffixes=("", " after"))
    assert len(both) == 60 - 7
    of_cell = {one.quantity: one for one in changes if (one.pair.model, one.pair.localizer) == ("gpt2", "ig")}
    found, share = of_cell["CS2"], of_cell["share of K_II, static:0.1"]
    difference = both["cs2 after"] - both["cs2"]
    assert found.n_facts == len(both)
    assert found.n_relations == both["relation"].nunique()
    assert (found.before, found.after) == pytest.approx((both["cs2"].mean(), both["cs2 after"].mean()))
    assert found.estimate == pytest.approx(difference.mean())
    # Student's interval on relation means, which have about as many facts each, is about the same.
    means = difference.groupby(both["relation"]).mean()
    half = stats.t.ppf(0.975, len(means) - 1) * means.sem()
    assert found.ci_low < difference.mean() < found.ci_high
    assert 0.3 * half < (found.ci_high - found.ci_low) / 2 < 3 * half
    shares = [float((both[name] <= 0.1).mean()) for name in ("cs2", "cs2 after")]
    assert [share.before, share.after] == pytest.approx(shares)


def test_what_did_not_change_is_not_bold_and_what_did_is(compared):
    table = compared.facts[0]
    bold = {(row[0].text, row[1].text, row[2].text) for row in table.rows if row[5].bold}
    quantities = {quantity for quantity, _, _ in bold}
    assert "CS2" in quantities
    same = {"CS1", "share of known queries"}
    assert not quantities & same
    assert {row[5].text for row in table.rows if row[0].text in same} == {"0.000"}


def test_every_later_run_is_held_against_the_first(compared):
    assert compared.title == "0002_b, 0003_c compared with 0001_a"
    titles = [table.title for table in compared.facts]
    assert titles == [f"Facts: {name} compared with 0001_a" for name in ("0002_b", "0003_c")]
    assert [(one.reference, one.new) for one in compared.edits] == [("0001_a", "0002_b"), ("0001_a", "0003_c")]
    assert compared.notes == (
        "0003_c differs from 0001_a: setting known_only is False in the reference and True in the new run.",
    )
    assert not compared.fails()


def test_verdicts_of_all_runs_stand_in_a_row(runs, tmp_path):
    other = replace(ROW, verdict="REFUTED", estimate=0.1)
    last = shifted(tmp_path / "0009_z")
    last = replace(last, record=replace(last.record, claims=(other, replace(ROW, claim="later"))))
    table = compare_saved((runs[0], last), draws=100).verdicts
    assert table.groups == ("0001_a", "0009_z")
    rows = {tuple(cell.text for cell in row[:4]): [cell.text for cell in row[4:]] for row in table.rows}
    assert len(rows) == len(CLAIMS) + 1
    assert rows["prevalence", "gpt2", "ig", "static:0.1"] == [
        *("SUPPORTED", "0.44 [0.40, 0.49]", "REFUTED", "0.10 [0.40, 0.49]", "no"),
    ]
    assert rows["later", "gpt2", "ig", "static:0.1"] == ["-", "-", "SUPPORTED", "0.44 [0.40, 0.49]", "-"]


def test_runs_of_one_model_each_are_compared_whatever_it_is_called(tmp_path):
    one = shifted(tmp_path / "0001_small", model="gpt2", models=ALONE)
    two = shifted(tmp_path / "0002_large", model="mine", models=MINE, by=0.1)
    found = compare_saved((one, two), draws=100)
    assert found.verdicts.groups == ("0001_small (gpt2)", "0002_large (mine)")
    assert "Model" not in [column.heading for column in found.verdicts.columns]
    assert {row[-1].text for row in found.verdicts.rows} == {"yes"}
    assert {row[1].text for row in found.facts[0].rows} == {"gpt2 -> mine"}
    assert {item.model for item in found.edits[0].differences} == {"gpt2 -> mine"}
    assert found.edits[0].differences[0].estimate == pytest.approx(0)
    assert "model gpt2 is in the reference alone" in found.notes[0]


def test_runs_that_share_nothing_have_their_verdicts_alone(runs, tmp_path):
    other = shifted(tmp_path / "0005_x", model="mine", models=MINE)
    frame = other.facts.assign(fact_uid=lambda facts: "other " + facts["fact_uid"])
    edits = other.edits.assign(fact_uid=lambda rows: "other " + rows["fact_uid"])
    edits.to_csv(other.folder / "edits.csv", index=False)
    found = compare_saved((runs[0], replace(other, facts=frame, edits=edits)), draws=100)
    assert (found.facts, found.edits) == ((), ())
    assert any("0 facts are in both" in note for note in found.notes)


def test_limits_refuse_runs_that_differ_in_more_than_the_editor(runs):
    with pytest.raises(ConfigError, match="known_only"):
        compare_saved((runs[0], runs[2]), parse_limits("gen:-0.02"), draws=100)
    with pytest.raises(ConfigError, match="two runs or more, got 1"):
        compare_saved(runs[:1])


def test_smoke_is_told_in_every_format(tmp_path):
    two = [shifted(tmp_path / f"000{n}_s", smoke="built-in model tiny") for n in (1, 2)]
    found = compare_saved(two, draws=100)
    for name, written in TEXTS.items():
        text = written(found).casefold()
        assert "0001_s: built-in model tiny" in text.replace(r"\_", "_"), name
        assert "not a result" in text or "not_a_result" in text, name


def test_csv_is_tables_with_empty_lines_between(compared):
    tables = TEXTS["csv"](compared).split("\n\n")
    assert len(tables) == 5 == len(tables_of(compared))
    verdicts, facts, *_, edits = (list(csv.DictReader(io.StringIO(text))) for text in tables)
    assert {row["0001_a.verdict"] for row in verdicts} == {row.verdict for row in CLAIMS}
    (row,) = (r for r in facts if (r["model"], r["localizer"], r["quantity"]) == ("gpt2", "ig", "CS2"))
    assert float(row["change.ci_low"]) < float(row["change"]) < float(row["change.ci_high"])
    assert {row["metric"] for row in edits} == {"rel", "gen", "loc", "avg", "ppl"}
