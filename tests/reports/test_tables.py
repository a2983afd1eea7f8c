"""Table 1: texts for people, values for machines."""

import csv
import io
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.records import ClaimRow, Manifest, RunRecord
from reports.tables import table1, table1_document

# The row that the paper's Table 1 prints for GPT-2, Dai et al., static threshold.
ROW = ClaimRow(
    claim="prevalence",
    statement="K_II exists extensively",
    marker="statistical",
    model="gpt2",
    localizer="ig",
    threshold="static:0.1",
    verdict="SUPPORTED",
    reason="the interval lies above the margin",
    estimate=0.444,
    ci_low=0.4,
    ci_high=0.49,
    margin=0.25,
    extras={
        "paper": {
            "r_consistent": 0.56,
            "s_consistent": 0.21,
            "r_inconsistent": 0.44,
            "s_inconsistent": 0.03,
            "welch_t": 236.0,
            "welch_p": 1e-9,
        }
    },
)
NOTHING = replace(
    ROW, verdict="NOT_APPLICABLE", threshold=None, estimate=None, ci_low=None, ci_high=None, margin=None, extras={}
)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_columns_are_the_papers_then_what_decides():
    header, _rule, row = table1([ROW]).markdown().splitlines()
    assert cells(header) == [
        *("Model", "Localizer", "T", "R:I", "S:I", "R:II", "S:II", "t", "p"),
        *("estimate [95 %]", "margin", "verdict"),
    ]
    assert cells(row) == [
        *("gpt2", "ig", "static:0.1", "0.56", "0.21", "0.44", "0.03", "236.0", "<1e-6"),
        *("0.44 [0.40, 0.49]", "0.25", "SUPPORTED"),
    ]


def test_missing_values_are_dashes():
    row = cells(table1([NOTHING]).markdown().splitlines()[2])
    assert row == ["gpt2", "ig", *["-"] * 9, "NOT_APPLICABLE"]


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "<1e-6"), (9.9e-7, "<1e-6"), (1e-6, "1e-06"), (0.0123, "0.012"), (1.0, "1"), (None, "-")]
)
def test_p_value(p, text):
    row = replace(ROW, extras={"paper": {"welch_p": p}})
    assert cells(table1([row]).markdown().splitlines()[2])[8] == text


@pytest.mark.parametrize(
    ("expected", "text"),
    [(None, "SUPPORTED"), ("SUPPORTED", "SUPPORTED (as expected)"), ("REFUTED", "SUPPORTED (not REFUTED)")],
)
def test_expected_verdict(expected, text):
    assert table1([replace(ROW, expected=expected)]).text().splitlines()[2].endswith(text)


def test_estimate_without_interval_stands_alone():
    assert cells(table1([replace(ROW, ci_low=None)]).markdown().splitlines()[2])[9] == "0.44"


def test_terminal_table_has_one_line_a_row():
    lines = table1([ROW, NOTHING]).text().splitlines()
    assert len(lines) == 4
    assert len({line.index(word) for line, word in zip(lines[2:], ["SUPPORTED", "NOT_APPLICABLE"], strict=True)}) == 1


def test_csv_is_unrounded_and_leaves_missing_values_empty():
    rows = list(csv.DictReader(io.StringIO(table1([ROW, NOTHING]).csv())))
    assert float(rows[0]["estimate"]) == ROW.estimate
    assert float(rows[0]["welch_p"]) == 1e-9
    assert rows[1]["estimate"] == rows[1]["welch_p"] == rows[1]["threshold"] == ""


def test_no_rows_make_an_empty_table():
    table = table1([])
    assert table.csv() == "\n"
    assert "Model" in table.text()


def test_pipes_and_breaks_do_not_break_markdown():
    row = table1([replace(ROW, model="a|b\nc")]).markdown().splitlines()
    assert len(row) == 3
    assert r"a\|b c" in row[2]


def test_document_says_what_a_reader_needs():
    manifest = Manifest(
        created="2026-01-01T00:00:00+00:00",
        command="pytest kntests --limit 2",
        versions={},
        platform={},
        models={},
        data={},
        settings={},
        smoke="at most 2 facts a relation",
        seconds=1.5,
    )
    page = table1_document(RunRecord(manifest=manifest, claims=(ROW, replace(ROW, threshold="otsu"))))
    for text in [
        "**Smoke run, not a result:** at most 2 facts a relation.",
        "## prevalence",
        "K_II exists extensively",
        "- gpt2, ig, otsu: the interval lies above the margin",
        "`pytest kntests --limit 2`",
    ]:
        assert text in page
    assert page.count("| gpt2") == 2


def test_reports_import_no_torch():
    code = "import sys, reports.load, reports.tables; assert not {'torch', 'transformers', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
