"""Tables without a format: cells, columns, and what can be left out or put apart."""

from dataclasses import replace

import pytest

from harness.errors import ConfigError
from reports.explanations import EXPLANATIONS, explain
from reports.table import MISSING, Cell, column, general, interval, number, p_value, percent, scientific, word
from tests.reports.formats.tables import TABLE


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (number(0.125), "0.12"),
        (number(41.0, 0), "41"),
        (percent(0.256), "26%"),
        (scientific(0.00123), "1.2e-03"),
        (general(0.25), "0.25"),
        (interval(0.5, 0.25, 1.0), "0.50 [0.25, 1.00]"),
        (interval(0.5, None, 1.0), "0.50"),
        (p_value(9.9e-7), "<1e-6"),
        (p_value(0.0), "<1e-6"),
        (p_value(1e-6), "1e-06"),
        (p_value(0.0123), "0.012"),
        (word("so"), "so"),
    ],
)
def test_text(cell, text):
    assert cell.text == text


@pytest.mark.parametrize("make", [number, percent, scientific, general, p_value, word, lambda _: interval(None, 0, 1)])
def test_what_has_no_value_is_a_dash(make):
    assert make(None) == Cell(text=MISSING)


def test_value_is_unrounded_and_zero_is_a_value():
    assert interval(0.512345, 0.4, 0.625).value == 0.512345
    assert number(0.0).value == 0.0
    assert percent(0.0).text == "0%"


def test_a_column_says_what_its_statistic_is_and_which_way_is_better():
    made = column("reliability", "Rel", better="up")
    assert made.title == "Rel ↑"
    assert made.explanation == EXPLANATIONS["reliability"]
    assert column("x", "x", statistic="cut").explanation == EXPLANATIONS["cut"]
    with pytest.raises(ConfigError, match=r"'reliabillity' has no explanation\. Did you mean reliability"):
        explain("reliabillity")


def test_explanations_are_one_sentence_each():
    for name, text in EXPLANATIONS.items():
        assert text[0].isupper(), name
        assert text.endswith("."), name
        assert ". " not in text.replace("(Eq. ", ""), name
        assert "\n" not in text


def test_a_row_has_a_cell_a_column():
    with pytest.raises(ConfigError, match="1 cells for 6 columns"):
        replace(TABLE, rows=((word("a"),),))


def test_panels_have_the_columns_of_a_group_beside_those_of_none():
    first, second = TABLE.panels()
    assert [c.key for c in first.columns] == ["model", "facts", "reliability", "verdict"]
    assert [c.key for c in second.columns] == ["model", "perplexity_change", "welch_p", "verdict"]
    assert [cell.text for cell in second.rows[1]] == ["50% & <more>", "-", "0.04", "REFUTED"]
    plain = replace(TABLE, columns=tuple(replace(c, group="") for c in TABLE.columns))
    assert list(plain.panels()) == [plain]


def test_columns_that_no_row_fills_are_left_out():
    rows = tuple((*row[:3], number(None), *row[4:]) for row in TABLE.rows)
    kept = replace(TABLE, rows=rows).without_empty_columns()
    assert [c.key for c in kept.columns] == ["model", "facts", "reliability", "welch_p", "verdict"]
    empty = replace(TABLE, rows=())
    assert empty.without_empty_columns() is empty
