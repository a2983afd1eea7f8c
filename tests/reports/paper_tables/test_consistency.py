"""Tables 1 and 4 from the rows of a run, beside what the paper prints."""

from dataclasses import replace

import pytest

from reports.paper import printed_cell
from reports.paper_tables import tables_of
from reports.run import read_saved_run
from tests.reports.saved import CLAIMS, ROW, VOID, save


@pytest.fixture
def tables(tmp_path):
    return {table.name: table for table in tables_of(read_saved_run(save(tmp_path)))}


def texts(table, *names):
    """Texts of the rows that begin with these cells, by group and key of the column."""
    (row,) = (row for row in table.rows if [cell.text for cell in row[: len(names)]] == list(names))
    return {(column.group, column.key): cell.text for column, cell in zip(table.columns, row, strict=True)}


def test_measured_rows_are_those_of_the_claims(tables):
    row = texts(tables["table1"], "gpt2", "static:0.1", "measured")
    ig = {key: text for (group, key), text in row.items() if group == "Dai et al. (ig)"}
    assert ig == {
        "r_consistent": "0.55",
        "s_consistent": "0.22",
        "r_inconsistent": "0.45 [0.43, 0.47]",
        "s_inconsistent": "0.04",
        "welch_t": "201",
        "mean_cs2": f"{0.55 * 0.22 + 0.45 * 0.04:.3f}",
        "share": "0.44 [0.40, 0.49]",
        "verdict": "SUPPORTED",
    }
    assert row["all localizers", "unanimous"] == "0.40"
    assert row["all localizers", "kappa"] == "0.61 [0.50, 0.70]"
    assert row["Enguehard (sig)", "r_inconsistent"] == "0.45"


def test_the_papers_numbers_stand_below_those_of_its_model_only(tables):
    table = tables["table1"]
    assert [tuple(cell.text for cell in row[:3]) for row in table.rows] == [
        ("gpt2", "static:0.1", "measured"),
        ("gpt2", "static:0.1", "printed"),
        ("gpt2", "static:0.1", "recomputed"),
        ("mine", "static:0.1", "measured"),
        ("gpt2", "otsu", "measured"),
        ("gpt2", "otsu", "printed"),
        ("gpt2", "otsu", "recomputed"),
    ]
    paper = printed_cell("gpt2", "ig", "static:0.1")
    printed = texts(table, "gpt2", "static:0.1", "printed")
    assert printed["Dai et al. (ig)", "r_inconsistent"] == f"{paper.r_inconsistent:.2f}"
    assert printed["Dai et al. (ig)", "verdict"] == "differs"
    assert printed["Enguehard (sig)", "verdict"] == "-"
    assert printed["all localizers", "unanimous"] == "0.42"
    recomputed = texts(table, "gpt2", "static:0.1", "recomputed")
    assert recomputed["Dai et al. (ig)", "mean_cs2"] == f"{paper.recomputed['mean_cs2']:.3f}"


def test_bold_is_where_prevalence_is_supported(tmp_path):
    claims = (ROW, replace(ROW, localizer="sig", verdict="INCONCLUSIVE"))
    table = tables_of(read_saved_run(save(tmp_path, claims=claims)))[0]
    bold = [(column.group, column.key) for column, cell in zip(table.columns, table.rows[0], strict=True) if cell.bold]
    assert bold == [("Dai et al. (ig)", "share")]


def test_table_4_has_the_cuts(tables):
    assert texts(tables["table4"], "gpt2", "otsu", "printed") == {
        ("", "model"): "gpt2",
        ("", "threshold"): "otsu",
        ("", "source"): "printed",
        ("", "ig"): "0.146",
        ("", "sig"): "0.150",
    }
    assert texts(tables["table4"], "mine", "static:0.1", "measured")["", "ig"] == "0.100"


@pytest.mark.parametrize("change", [{"smoke": "limit", "settings": {"limit": 2}}, {"data": {"embedded": {}}}])
def test_other_facts_are_not_compared_with_the_paper(tmp_path, change):
    table = tables_of(read_saved_run(save(tmp_path, **change)))[0]
    assert {row[2].text for row in table.rows} == {"measured"}
    assert table.smoke == change.get("smoke")


def test_without_the_papers_statistic_there_is_no_table_of_it(tmp_path):
    claims = (replace(ROW, extras={}), VOID)
    assert all(
        table.name not in ("table1", "table4") for table in tables_of(read_saved_run(save(tmp_path, claims=claims)))
    )


def test_a_class_without_facts_has_no_mean_and_no_weight(tmp_path):
    paper = {"r_consistent": 1.0, "s_consistent": 0.7, "r_inconsistent": 0.0, "s_inconsistent": None, "cut": 0.1}
    table = tables_of(read_saved_run(save(tmp_path, claims=(replace(ROW, extras={"paper": paper}),))))[0]
    assert texts(table, "gpt2", "static:0.1", "measured")["Dai et al. (ig)", "mean_cs2"] == "0.700"


def test_tables_are_in_the_papers_order_and_each_once(tables):
    assert list(tables) == sorted(tables)
    assert {row.claim for row in CLAIMS} == {"prevalence", "separation", "replication", "agreement", "trend"}
