"""Tables of verdicts: the paper's columns, then what decides; and the page that they stand on."""

import csv
import io
from dataclasses import replace

import pytest

from harness.records import RunRecord
from reports.claim_tables import claim_table, claim_tables
from reports.document import document
from reports.formats import csv as as_csv
from reports.formats import markdown, terminal
from tests.reports.formats.tables import TABLE
from tests.reports.saved import AGREEMENT, CLAIMS, MANIFEST, ROW, SEPARATION

NOTHING = replace(
    ROW, verdict="NOT_APPLICABLE", threshold=None, estimate=None, ci_low=None, ci_high=None, margin=None, extras={}
)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def grid(*rows):
    return markdown.render_grid(claim_table(rows)).splitlines()


def test_columns_are_the_papers_then_what_decides():
    header, _rule, row = grid(ROW)
    assert cells(header) == [
        *("Model", "Localizer", "T", "R:I", "S:I", "R:II", "S:II", "t", "p"),
        *("estimate [95 %]", "margin", "verdict"),
    ]
    assert cells(row) == [
        *("gpt2", "ig", "static:0.1", "0.55", "0.22", "0.45", "0.04", "201.4", "<1e-6"),
        *("**0.44 [0.40, 0.49]**", "0.25", "SUPPORTED"),
    ]


def test_missing_values_are_dashes_and_columns_of_them_are_left_out():
    assert cells(grid(ROW, NOTHING)[3]) == ["gpt2", "ig", *["-"] * 9, "NOT_APPLICABLE"]
    assert cells(grid(NOTHING)[0]) == ["Model", "Localizer", "verdict"]


@pytest.mark.parametrize(("verdict", "bold"), [("SUPPORTED", True), ("REFUTED", False), ("INCONCLUSIVE", False)])
def test_bold_is_what_lies_wholly_beyond_the_margin(verdict, bold):
    assert ("**" in grid(replace(ROW, verdict=verdict))[2]) == bold


@pytest.mark.parametrize(
    ("expected", "text"),
    [(None, "SUPPORTED"), ("SUPPORTED", "SUPPORTED (as expected)"), ("REFUTED", "SUPPORTED (not REFUTED)")],
)
def test_expected_verdict(expected, text):
    assert terminal.render_grid(claim_table([replace(ROW, expected=expected)])).endswith(text)


def test_csv_is_unrounded_and_leaves_missing_values_empty():
    rows = list(csv.DictReader(io.StringIO(as_csv.render(claim_table([ROW, NOTHING])))))
    assert float(rows[0]["estimate"]) == ROW.estimate
    assert float(rows[0]["estimate.ci_low"]) == ROW.ci_low
    assert float(rows[0]["welch_p"]) == 1e-9
    assert rows[0]["verdict"] == "SUPPORTED"
    assert rows[1]["estimate"] == rows[1]["welch_p"] == rows[1]["threshold"] == ""


def test_there_is_a_table_a_claim_in_the_order_of_the_run():
    record = RunRecord(manifest=MANIFEST, claims=CLAIMS)
    tables = claim_tables(record)
    assert [table.name for table in tables] == [
        *("claim-prevalence", "claim-separation", "claim-replication", "claim-agreement", "claim-trend"),
    ]
    assert [len(table.rows) for table in tables] == [5, 4, 1, 1, 1]


def test_page_says_what_a_reader_needs():
    manifest = replace(MANIFEST, smoke="at most 2 facts a relation", command="pytest kntests --limit 2")
    claims = (ROW, replace(ROW, threshold="otsu"), SEPARATION, replace(AGREEMENT, reason="# <b>bold</b>"))
    page = document(RunRecord(manifest=manifest, claims=claims), [replace(TABLE, note="- so")])
    for text in [
        "**Smoke run, not a result:** at most 2 facts a relation.",
        "## prevalence",
        "K_II exists extensively",
        "- gpt2, ig, otsu: The interval lies wholly above the margin.",
        r"- gpt2, ig+sig, static:0.1: # \<b>bold\</b>",
        "## Table 9: edits of K_II",
        r"\- so",
        "Command: `pytest kntests --limit 2`, 2026-01-01",
    ]:
        assert text in page
    assert page.count("| gpt2") == 4
