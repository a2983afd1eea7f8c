"""Tables 2 and 3 from edits, against sums written out by hand."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from harness.claims import Procedure
from harness.statistics import cluster_bootstrap
from reports.paper import METRICS
from reports.paper_tables import tables_of
from reports.paper_tables.edit_statistics import DRAWS
from reports.run import read_saved_run
from tests.reports.saved import SEPARATION, facts, made_up_edits, save


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return {table.name: table for table in tables_of(read_saved_run(save(tmp_path_factory.mktemp("run"))))}


def row_of(table, *names):
    (row,) = (row for row in table.rows if [cell.text for cell in row[: len(names)]] == list(names))
    return row


def cells_of(table, group, *names):
    row = row_of(table, *names)
    return {column.key: cell for column, cell in zip(table.columns, row, strict=True) if column.group == group}


def by_hand(model, localizer, editor, kind, metric, *, consistent):
    """Relation -> values of its facts: the mean of each fact's edits, read line by line."""
    score = {
        fact["fact_uid"]: fact["cs2"]
        for fact in facts().to_dict("records")
        if (fact["model"], fact["localizer"]) == (model, localizer)
    }
    edits = defaultdict(list)
    for edit in made_up_edits().to_dict("records"):
        asked = (edit["model"], edit["localizer"], edit["editor"], edit["kind"])
        value = edit[metric]
        if asked == (model, localizer, editor, kind) and value is not None and np.isfinite(value):
            edits[edit["fact_uid"]].append(value)
    values = defaultdict(list)
    for fact, found in edits.items():
        if np.isfinite(score[fact]) and (score[fact] > 0.1) == consistent:
            values[fact.partition("-")[0]].append(sum(found) / len(found))
    return values


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("consistent", [True, False])
def test_a_cell_is_the_mean_over_facts_with_its_interval(tables, metric, consistent):
    values = by_hand("mine", "ig", "kn-local", "erase", metric, consistent=consistent)
    name = "K_I" if consistent else "K_II"
    cells = cells_of(tables["table2-ig-static-0.1"], "mine", "N_i", "erase", name, "measured")
    flat = [value for found in values.values() for value in found]
    assert cells[metric].value == pytest.approx(np.mean(flat))
    assert cells["facts"].value == len(flat)
    order = sorted(values, key=lambda relation: f"P{int(relation) + 17}")
    facts_word = "consistent" if consistent else "inconsistent"
    rng = Procedure(seed=0).generator("edits mine ig", f"kn-local erase {facts_word} {metric}")
    bounds = (0.0, 1.0) if metric != "perplexity_change" else (-np.inf, np.inf)
    totals = np.array([sum(values[relation]) for relation in order])
    sizes = np.array([float(len(values[relation])) for relation in order])
    interval = cluster_bootstrap(totals, sizes, draws=DRAWS, rng=rng, bounds=bounds).interval()
    assert (cells[metric].low, cells[metric].high) == pytest.approx((interval.low, interval.high))


def test_bold_in_table_2_is_the_class_that_is_significantly_better(tables):
    table = tables["table2-ig-static-0.1"]
    consistent, inconsistent = (cells_of(table, "mine", "N_i", "update", name, "measured") for name in ("K_I", "K_II"))
    # Made up: generalization is 0.45 apart, locality not at all.
    assert consistent["generalization"].bold
    assert not inconsistent["generalization"].bold
    assert not consistent["locality"].bold
    assert not inconsistent["locality"].bold


def test_bold_in_table_3_is_what_beats_every_other_set_and_smaller_perplexity_is_better(tables):
    table = tables["table3-ig-static-0.1"]
    found = {name: cells_of(table, "mine", name, "erase", "K_II", "measured") for name in ("N_i", "N_g", "CAS")}
    bold = {name: [metric for metric in METRICS if cells[metric].bold] for name, cells in found.items()}
    assert "generalization" in bold["N_g"]
    assert {"locality", "perplexity_change"} <= set(bold["N_i"])
    assert "generalization" not in bold["CAS"]


def test_the_papers_numbers_stand_below_those_of_its_model_for_its_localizer_and_threshold(tables):
    table = tables["table2-ig-static-0.1"]
    group = "GPT-2 (gpt2)"
    label = ("N_g", "erase", "K_II")
    assert [cells_of(table, group, *label, "printed")[metric].text for metric in METRICS] == [
        *("0.65", "0.60", "0.70", "0.65", "2.02"),
    ]
    assert cells_of(table, group, *label, "recomputed")["average"].value == pytest.approx(0.65)
    told = {metric: cell.text for metric, cell in cells_of(table, group, *label, "replication").items()}
    # Made up: generalization is about 0.35, reliability a coin's.
    assert told["generalization"] == "differs"
    assert told["reliability"] in {"inconclusive", "differs", "replicates"}
    assert told["perplexity_change"] == "-"
    assert cells_of(table, "mine", *label, "printed")["average"].text == "-"
    assert {row[3].text for row in tables["table2-sig-static-0.1"].rows} == {"measured"}


def test_a_set_that_nobody_edited_has_no_row_and_without_cas_there_is_no_table_3(tmp_path):
    edits = made_up_edits()
    edits = edits[(edits["editor"] == "kn-local") & (edits["kind"] == "erase")]
    claims = (replace(SEPARATION, model="mine"),)
    (table,) = (
        t for t in tables_of(read_saved_run(save(tmp_path, edits=edits, claims=claims))) if t.name[:6] == "table2"
    )
    assert [[cell.text for cell in row[:4]] for row in table.rows] == [
        ["N_i", "erase", "K_I", "measured"],
        ["N_i", "erase", "K_II", "measured"],
    ]


def test_few_relations_make_nothing_bold_and_nothing_replicate(tmp_path):
    edits = made_up_edits()
    edits = edits[edits["relation"].isin(["P17", "P18", "P19"])]
    for table in tables_of(read_saved_run(save(tmp_path, edits=edits))):
        if table.name.startswith(("table2", "table3")):
            assert not any(cell.bold for row in table.rows for cell in row)
            told = {cell.text for row in table.rows if row[3].text == "replication" for cell in row[5:]}
            assert told <= {"inconclusive", "-"}


def test_somebodys_editor_is_called_by_its_name(tmp_path):
    edits = made_up_edits()
    edits.loc[edits["editor"] == "kn-global", "editor"] = "rome"
    tables = {table.name: table for table in tables_of(read_saved_run(save(tmp_path, edits=edits)))}
    assert row_of(tables["table2-ig-static-0.1"], "rome", "erase", "K_I", "measured")
    assert {row[0].text for row in tables["table3-ig-static-0.1"].rows} == {"N_i", "CAS"}


def test_without_edits_there_is_no_table_of_them(tmp_path):
    run = read_saved_run(save(tmp_path, edits=made_up_edits().iloc[:0]))
    assert [table.name for table in tables_of(run)] == ["table1", "table4"]
