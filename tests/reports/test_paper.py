"""Table 1 of the paper: what is printed hangs together, but for what the notes say."""

import json
from itertools import combinations, product
from math import prod

import pytest

from harness.consistency import parse_threshold
from harness.errors import RecordError
from harness.models.names import ALIASES
from reports.paper import load_table1, printed_cell, values

TABLE = load_table1()
ROUNDING = 0.005


def implied_mean(cell):
    """Least and most mean CS2 of all facts that round to what is printed."""
    last = 0.0005 if cell.s_inconsistent == 0.062 else ROUNDING
    low, high = (
        [
            share * (cell.s_consistent + sign * ROUNDING) + (1 - share) * (cell.s_inconsistent + sign * last)
            for share in (cell.r_consistent - ROUNDING, cell.r_consistent + ROUNDING)
        ]
        for sign in (-1, 1)
    )
    return min(low), max(high)


def test_every_cell_is_there_once():
    asked = list(product(("gpt2", "llama2", "llama3"), ("static:0.1", "otsu"), ("ig", "sig", "amig")))
    assert sorted((cell.model, cell.threshold, cell.localizer) for cell in TABLE.cells) == sorted(asked)
    assert {cell.model for cell in TABLE.cells} <= set(ALIASES)
    for cell in TABLE.cells:
        assert printed_cell(cell.model, cell.localizer, cell.threshold) is cell
        assert parse_threshold(cell.threshold).name == cell.threshold
    assert printed_cell("gpt2-xl", "ig", "otsu") is None


@pytest.mark.parametrize("cell", TABLE.cells, ids=lambda cell: f"{cell.model}-{cell.localizer}-{cell.threshold}")
def test_recomputed_numbers_come_from_the_printed_ones_and_slips_are_noted(cell):
    assert cell.recomputed["r_inconsistent"] == pytest.approx(1 - cell.r_consistent)
    mean = cell.r_consistent * cell.s_consistent + cell.r_inconsistent * cell.s_inconsistent
    assert cell.recomputed["mean_cs2"] == pytest.approx(mean, abs=1e-4)
    sums_to_one = abs(cell.r_consistent + cell.r_inconsistent - 1) < 1e-9
    assert sums_to_one != any("add up to" in note for note in cell.notes)
    assert (cell.welch_t is None) == any("No t is printed" in note for note in cell.notes)
    assert cell.s_inconsistent <= cell.cut + ROUNDING
    assert cell.s_consistent + ROUNDING >= cell.cut


@pytest.mark.parametrize(("model", "localizer"), list(product(("gpt2", "llama2", "llama3"), ("ig", "sig", "amig"))))
def test_both_thresholds_cut_the_same_facts_or_a_note_says_that_they_cannot(model, localizer):
    static, otsu = (printed_cell(model, localizer, threshold) for threshold in ("static:0.1", "otsu"))
    (low, high), (other_low, other_high) = implied_mean(static), implied_mean(otsu)
    apart = high < other_low or other_high < low
    for cell in (static, otsu):
        assert apart == any("different mean CS2" in note for note in cell.notes)
    # A higher cut calls more facts inconsistent.
    assert (otsu.cut > static.cut) == (otsu.r_inconsistent > static.r_inconsistent)


def test_unanimity_is_at_most_each_share_and_more_than_chance():
    for row in TABLE.unanimous:
        shares = [printed_cell(row.model, name, row.threshold).r_inconsistent for name in ("ig", "sig", "amig")]
        assert row.by_chance == pytest.approx(prod(shares), abs=5e-4)
        assert row.by_chance < row.printed <= min(shares) + ROUNDING


def test_printed_unanimity_implies_a_kappa_above_the_margin_of_agreement():
    for row in TABLE.unanimous:
        shares = [printed_cell(row.model, name, row.threshold).r_inconsistent for name in ("ig", "sig", "amig")]
        # Two agree at least where all three do; kappa is twice the covariance over the chance of disagreement.
        together = sum(row.printed - a * b for a, b in combinations(shares, 2)) / 3
        apart = sum(a * (1 - b) + b * (1 - a) for a, b in combinations(shares, 2)) / 3
        assert 2 * together / apart > 0.5


def test_a_file_that_says_something_else_is_refused(tmp_path, monkeypatch):
    broken = tmp_path / "table1.json"
    broken.write_text(json.dumps({"source": "x", "cells": [{}], "unanimous": [], "notes": []}))
    monkeypatch.setattr(values, "_FILE", broken)
    load_table1.cache_clear()
    with pytest.raises(RecordError, match=r"table1\.json"):
        load_table1()
    load_table1.cache_clear()
