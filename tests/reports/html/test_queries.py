"""Queries packed and unpacked again, and those of a run that has too many neurons for a page."""

import base64
import json
import zlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from reports.html import queries as packing
from reports.html.queries import MOST_SHARED, holds_neurons, packed_queries
from tests.reports.html.made_run import D_FF, made_run

RUN = made_run(n_facts=30, localizers=("ig", "sig"))


def unpacked(run):
    return json.loads(zlib.decompress(base64.b64decode(packed_queries(run))))


def taken(flat, sizes):
    """The parts of a list."""
    ends = np.cumsum(sizes).tolist()
    return [flat[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def saved_of(run, localizer, uid):
    """Frame, known and neurons of a fact's queries, as they were saved."""
    table, sets = run.queries.table, run.queries.sets
    here = np.flatnonzero((table["localizer"] == localizer) & (table["fact_uid"] == uid))
    return [
        (table["frame"][q], bool(table["known"][q]), sets.neurons[sets.offsets[q] : sets.offsets[q + 1]].tolist())
        for q in here
    ]


def test_every_query_comes_back_with_its_fact():
    columns = unpacked(RUN)
    for cell, localizer in zip(columns["cells"], ("ig", "sig"), strict=True):
        uids = RUN.facts[RUN.facts["localizer"] == localizer]["fact_uid"]
        assert cell["d_ff"] == D_FF
        frames = taken([columns["frames"][place] for place in cell["frame"]], cell["n"])
        known = taken([letter == "1" for letter in cell["known"]], cell["n"])
        neurons = taken([np.cumsum(part).tolist() for part in taken(cell["neurons"], cell["kn"])], cell["n"])
        for uid, *found in zip(uids, frames, known, neurons, strict=True):
            assert list(zip(*found, strict=True)) == saved_of(RUN, localizer, uid)


def test_shared_neurons_are_those_of_most_queries():
    rng = np.random.default_rng(0)
    table = RUN.queries.table
    sets = type(RUN.queries.sets).from_lists(
        [rng.choice(15, rng.integers(0, 9), replace=False).tolist() for _ in table.index]
    )
    run = replace(RUN, queries=replace(RUN.queries, sets=sets))
    cell = unpacked(run)["cells"][1]
    facts = RUN.facts[RUN.facts["localizer"] == "sig"]
    shared = cell["shared"]
    pairs = taken(list(zip(shared["neuron"], shared["count"], strict=True)), shared["n"])
    for uid, found in zip(facts["fact_uid"], pairs, strict=True):
        counts = Counter(neuron for _, _, neurons in saved_of(run, "sig", uid) for neuron in neurons)
        expected = sorted((item for item in counts.items() if item[1] > 1), key=lambda item: (-item[1], item[0]))
        assert found == expected[:MOST_SHARED]


def test_order_of_facts_and_queries_of_other_facts_do_not_matter():
    facts = RUN.facts.iloc[::-1].iloc[5:]
    run = replace(RUN, facts=facts)
    cell = unpacked(run)["cells"][0]
    of_cell = facts[facts["localizer"] == run.cells()[0][1]]
    assert cell["n"] == of_cell["n_queries"].tolist()


def test_a_run_of_very_many_neurons_keeps_their_numbers(monkeypatch):
    whole = unpacked(RUN)
    monkeypatch.setattr(packing, "MOST_NEURONS", len(RUN.queries.sets.neurons) - 1)
    assert not holds_neurons(RUN)
    for cell, before in zip(unpacked(RUN)["cells"], whole["cells"], strict=True):
        assert cell == {**before, "neurons": None}


def test_a_run_that_saved_no_queries_packs_none():
    assert packed_queries(replace(RUN, queries=None)) == ""


@pytest.mark.parametrize("facts", [0, 5])
def test_facts_without_queries(facts):
    none = replace(RUN.queries, table=RUN.queries.table.iloc[:0], sets=RUN.queries.sets.take(np.arange(0)))
    columns = unpacked(replace(RUN, facts=RUN.facts.iloc[:facts], queries=none))
    assert [cell["n"] for cell in columns["cells"]] == ([[0] * facts] if facts else [])
