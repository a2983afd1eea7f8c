"""Tables as CSV: unrounded values, ends of intervals in columns of their own."""

import csv
import io
from dataclasses import replace

from reports.formats.csv import render
from tests.reports.formats.tables import TABLE

GOLDEN = """\
model,GPT-2 (gpt2).facts,GPT-2 (gpt2).reliability,GPT-2 (gpt2).reliability.ci_low,GPT-2 (gpt2).reliability.ci_high,\
other.perplexity_change,other.welch_p,verdict,not_a_result
a|b_c,20,0.512345,0.4,0.625,-0.1,1e-09,SUPPORTED,at most 2 facts a relation
50% & <more>,3,0.25,,,,0.04,REFUTED,at most 2 facts a relation
"""


def test_golden():
    assert render(TABLE) == GOLDEN


def test_a_run_that_is_a_result_has_no_column_about_it():
    assert render(replace(TABLE, smoke=None)).splitlines()[0].endswith(",verdict")


def test_breaks_commas_and_quotes_come_back():
    text = 'a,"b"\nc'
    row = (replace(TABLE.rows[0][0], text=text, value=text), *TABLE.rows[0][1:])
    (read,) = csv.DictReader(io.StringIO(render(replace(TABLE, rows=(row,)))))
    assert read["model"] == text
