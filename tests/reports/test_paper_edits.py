"""Tables 2 and 3 of the paper: everything is there once, averages are recomputed, contradictions are noted."""

import json
from dataclasses import replace
from itertools import product

import pytest

from harness.errors import RecordError
from harness.models.names import ALIASES
from reports.paper import METRICS, edits, load_edit_table, papers_model
from reports.paper.models import HUB_IDS
from tests.reports.saved import MANIFEST

TABLES = {number: load_edit_table(number) for number in (2, 3)}
MODELS, KINDS, FACTS = ("gpt2", "llama2", "llama3"), ("erase", "update"), ("consistent", "inconsistent")
SETS = {2: ("local", "global"), 3: ("local", "global", "cas")}
CELLS = [cell for table in TABLES.values() for cell in table.cells]


def key(cell):
    return cell.model, cell.kind, cell.neurons, cell.facts


@pytest.mark.parametrize("number", [2, 3])
def test_every_cell_is_there_once(number):
    asked = list(product(MODELS, KINDS, SETS[number], FACTS))
    assert sorted(map(key, TABLES[number].cells)) == sorted(asked)
    assert all(TABLES[number].cell(*one) is not None for one in asked)
    assert TABLES[number].cell("gpt2-xl", "erase", "local", "consistent") is None


def test_rows_that_can_be_looked_up_in_the_paper():
    assert list(TABLES[2].cell("gpt2", "erase", "global", "inconsistent").printed.values()) == [
        0.65,
        0.6,
        0.7,
        0.65,
        2.02,
    ]
    assert list(TABLES[3].cell("llama3", "update", "cas", "consistent").printed.values()) == [
        0.35,
        0.33,
        0.7,
        0.46,
        0.1,
    ]
    assert list(TABLES[3].cell("llama2", "erase", "local", "consistent").printed) == list(METRICS)


def test_averages_come_from_the_three_numbers_beside_them_but_for_four_that_are_noted():
    off = []
    for cell in CELLS:
        values = [cell.printed[metric] for metric in METRICS[:3]]
        assert cell.average == pytest.approx(sum(values) / 3, abs=5e-5)
        # Each of the three may be off by half of its last digit, and so may their printed mean.
        if abs(cell.average - cell.printed["average"]) > 0.01:
            off.append((*key(cell), cell.printed["average"], round(cell.average, 2)))
        assert (abs(cell.average - cell.printed["average"]) > 0.01) == any(
            "not that of the three" in n for n in cell.notes
        )
    assert off == [
        ("llama2", "erase", "global", "inconsistent", 0.42, 0.47),
        ("llama3", "erase", "global", "inconsistent", 0.49, 0.42),
        ("llama2", "update", "global", "consistent", 0.68, 0.58),
        ("llama2", "update", "global", "consistent", 0.68, 0.58),
    ]


def test_both_tables_print_the_same_of_the_same_edits_but_for_two_averages_that_are_noted():
    for cell in TABLES[2].cells:
        again = TABLES[3].cell(*key(cell))
        differs = {name for name in METRICS if cell.printed[name] != again.printed[name]}
        assert differs <= {"average"}
        assert bool(differs) == any("Table 3 prints" in note for note in cell.notes)
        assert bool(differs) == any("Table 2 prints" in note for note in again.notes)


def test_only_the_papers_models_on_its_data_are_compared_with_it():
    assert {name: ALIASES[name] for name in HUB_IDS} == HUB_IDS
    assert papers_model(MANIFEST, "gpt2") == "gpt2"
    assert papers_model(MANIFEST, "mine") is None
    assert papers_model(MANIFEST, "unknown") is None
    for change in ({"limit": 5}, {"relations": ["P36"]}, {"known_only": True}):
        assert papers_model(replace(MANIFEST, settings={**MANIFEST.settings, **change}), "gpt2") is None
    assert papers_model(replace(MANIFEST, data={"embedded": {}}), "gpt2") is None


def test_a_file_that_says_something_else_is_refused(tmp_path, monkeypatch):
    (tmp_path / "table2.json").write_text(json.dumps({"source": "x", "cells": [{}], "notes": []}))
    monkeypatch.setattr(edits, "_FOLDER", tmp_path)
    load_edit_table.cache_clear()
    with pytest.raises(RecordError, match=r"table2\.json"):
        load_edit_table(2)
    load_edit_table.cache_clear()
