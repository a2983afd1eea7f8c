"""Tables for the terminal: in one piece, in panels, or a line a cell."""

import re
from dataclasses import replace

import pytest

from reports.formats import terminal
from tests.reports.formats.tables import TABLE

WIDE = """\
Table 9: edits of K_II

smoke run, not a result: at most 2 facts a relation

              GPT-2 (gpt2)            other
Model           n              Rel ↑    ΔPPL ↓      p  verdict
------------  ---  -----------------  --------  -----  -----------------------
a|b_c          20  0.51 [0.40, 0.62]     -0.10  <1e-6  SUPPORTED (as expected)
50% & <more>    3               0.25         -   0.04  REFUTED

Means over facts."""
PANELS = """\
              GPT-2 (gpt2)
Model           n              Rel ↑  verdict
------------  ---  -----------------  -----------------------
a|b_c          20  0.51 [0.40, 0.62]  SUPPORTED (as expected)
50% & <more>    3               0.25  REFUTED

              other
Model           ΔPPL ↓      p  verdict
------------  --------  -----  -----------------------
a|b_c            -0.10  <1e-6  SUPPORTED (as expected)
50% & <more>         -   0.04  REFUTED"""
RECORDS = """\
Model               a|b_c
GPT-2 (gpt2) n      20
GPT-2 (gpt2) Rel ↑  0.51 [0.40, 0.62]
other ΔPPL ↓        -0.10
other p             <1e-6
verdict             SUPPORTED (as expected)

Model               50% & <more>
GPT-2 (gpt2) n      3
GPT-2 (gpt2) Rel ↑  0.25
other p             0.04
verdict             REFUTED"""


def test_golden():
    assert terminal.render(TABLE) == WIDE


@pytest.mark.parametrize(("width", "text"), [(78, WIDE.split("\n\n")[2]), (77, PANELS), (60, RECORDS)])
def test_narrow_terminals(width, text):
    assert terminal.render_grid(TABLE, width=width) == text


@pytest.mark.parametrize("width", [None, 70, 40])
def test_colours_change_nothing_else(width):
    paint = {"SUPPORTED": "green", "REFUTED": "red"}
    painted = terminal.render_grid(TABLE, width=width, paint=paint)
    assert "\x1b[32mSUPPORTED\x1b[0m" in painted
    assert "\x1b[31mREFUTED\x1b[0m" in painted
    assert "\x1b[1m0.51 [0.40, 0.62]\x1b[0m" in painted
    assert re.sub(r"\x1b\[\d*m", "", painted) == terminal.render_grid(TABLE, width=width)


def test_nothing_in_a_name_reaches_the_terminal_as_a_command():
    hostile = replace(TABLE, title="\x1b[2J\x07title", note="", smoke=None)
    assert terminal.render(hostile).startswith("[2J title\n")


def test_a_table_without_rows_is_its_headings():
    assert terminal.render_grid(replace(TABLE, rows=())).splitlines()[1].split() == [
        *("Model", "n", "Rel", "↑", "ΔPPL", "↓", "p", "verdict")
    ]
