"""The figure of how often rules err: the shipped table is whole, and what is drawn is what it says."""

import csv
from collections import Counter
from dataclasses import replace

import pytest

from reports.figures.calibration import calibration, draw_calibration
from scripts.calibration.case import key_of
from scripts.calibration.results import Counted, all_cases
from scripts.calibration.rules import RULES
from scripts.calibration.table import COLUMNS, write_table
from tests.reports.html.made_run import made_run


def run_of(claim, *relations):
    run = made_run(n_facts=5)
    row = replace(run.record.claims[0], claim=claim)
    rows = tuple(replace(row, n_relations=count) for count in relations)
    return replace(run, record=replace(run.record, claims=rows))


def test_the_shipped_table_is_of_the_rules_and_worlds_that_are_asked_for():
    table = calibration()
    assert list(table) == list(COLUMNS)
    rules = {rule.name: rule for rule in RULES}
    assert set(table["rule"]) == set(rules)
    for row in table.to_dict("records"):
        rule = rules[row["rule"]]
        assert row["claims"].split() == list(rule.decides)
        assert row["world"] in (rule.wrong if row["truth"] == "wrong" else rule.right)
        assert key_of(rule.topic, row["world"], row["relations"], row["facts"]) in all_cases()
        assert 0 <= row["share"] <= 1
        assert row["populations"] >= 100
    assert not table.duplicated(["rule", "truth", "world", "facts", "relations"]).any()


def test_written_are_the_counts_of_errors_and_power(tmp_path):
    rule = next(rule for rule in RULES if rule.name == "prevalence, static, refuted")
    key = key_of(rule.topic, rule.wrong[0], 24, 30)
    seen = key_of(rule.topic, rule.right[0], 8, 10)
    counted = {key: Counted(200, Counter({rule.says: 3})), seen: Counted(50, Counter({rule.says: 50}))}
    write_table(tmp_path / "table.csv", counted)
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    mine = [tuple(row.values()) for row in rows if row["rule"] == rule.name]
    assert mine == [
        (rule.name, "prevalence", "wrong", rule.wrong[0], "0", "30", "24", "200", "0.015", "0.05"),
        (rule.name, "prevalence", "right", rule.right[0], "1", "10", "8", "50", "1.0", ""),
    ]


@pytest.mark.parametrize("claim", ["separation", "own_over_neighbors_enhance"])
def test_curves_are_the_largest_error_and_the_power_that_is_asked_for(claim):
    (figure,) = draw_calibration(run_of(claim, 14, 12, 0))
    (axis,) = figure.figure.axes
    table = calibration()
    mine = table[table["claims"].str.split().map(lambda names: claim in names)]
    most = mine[mine["facts"] == mine["facts"].max()]
    lines = {line.get_label(): dict(zip(*line.get_data(), strict=True)) for line in axis.lines}
    assert lines["errs"] == most[most["truth"] == "wrong"].groupby("relations")["share"].max().to_dict()
    assert lines["sees"] == most[most["asked"] == 1].set_index("relations")["share"].to_dict()
    (band,) = axis.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((11.6, 14.4))
    assert set(figure.data["run_relations_max"]) == {14}
    assert "(12 to 14 relations here): errs in" in figure.alt_text


def test_a_claim_is_not_taken_for_another_of_a_longer_name():
    (figure,) = draw_calibration(run_of("prevalence", 20))
    assert set(figure.data["claims"]) == {"prevalence"}
    assert len(figure.figure.axes) == 3


def test_claims_without_facts_or_simulation_have_no_figure():
    assert list(draw_calibration(run_of("prevalence", 0))) == []
    assert list(draw_calibration(run_of("theirs", 20))) == []
