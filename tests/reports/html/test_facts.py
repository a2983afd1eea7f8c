"""Facts packed and unpacked again."""

import base64
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.classes import Cut, classes, cuts_of
from reports.html.facts import fact_columns, packed_facts
from reports.html.markup import clean
from tests.reports.html.made_run import HOSTILE, LOCALIZERS, made_run

RUN = made_run(n_facts=40)


def unpacked(run):
    return json.loads(zlib.decompress(base64.b64decode(packed_facts(run))))


def rows_of(columns):
    """The table again, a dictionary a row."""
    texts, facts = columns["texts"], columns["facts"]
    for cell in columns["cells"]:
        for row, fact in enumerate(cell["fact"]):
            yield {
                "model": cell["model"],
                "localizer": cell["localizer"],
                **{name: texts[places[fact]] for name, places in facts.items()},
                **{name: cell[name][row] for name in ("n_queries", "n_known", "union_size", "cs1", "cs2")},
                "neurons_per_query": cell["neurons_per_query"][row],
                "classes": [letters[row] for letters in cell["classes"]],
            }


def test_every_row_comes_back():
    found = pd.DataFrame(list(rows_of(unpacked(RUN)))).drop(columns="classes")
    expected = RUN.facts[found.columns].round({"cs1": 4, "cs2": 4, "neurons_per_query": 2})
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_dtype=False, atol=1e-12)


def test_missing_scores_are_none():
    facts = RUN.facts.assign(cs2=np.nan)
    columns = fact_columns(replace(RUN, facts=facts))
    assert set(columns["cells"][0]["cs2"]) == {None}
    assert set(columns["cells"][0]["classes"][0]) == {"-"}


def test_classes_are_those_of_unrounded_scores():
    letters = classes(np.array([0.1, 0.10000001, np.nan, 0.0999, np.nextafter(0.1, 1)]), Cut(threshold="t", value=0.1))
    assert letters == "21-21"


def test_class_is_cut_by_the_papers_cut_of_the_cell():
    cuts = cuts_of(RUN.record, "gpt2", "sig")
    assert [(cut.threshold, cut.value) for cut in cuts] == [("static:0.1", 0.1), ("otsu", 0.45)]
    assert cuts_of(RUN.record, "gpt2", "other") == []
    for row in rows_of(unpacked(RUN)):
        scored = RUN.facts[(RUN.facts["fact_uid"] == row["fact_uid"]) & (RUN.facts["localizer"] == row["localizer"])]
        value = scored["cs2"].item()
        assert row["classes"] == ["-" if np.isnan(value) else "1" if value > cut else "2" for cut in (0.1, 0.45)]


def test_a_run_of_an_older_version_lacks_columns():
    run = replace(RUN, facts=RUN.facts.drop(columns=["union_size", "neurons_per_query"]))
    assert fact_columns(run)["cells"][0]["union_size"] is None


def test_facts_of_one_cell_only_are_facts_too():
    kept = RUN.facts[(RUN.facts["localizer"] == "ig") | (RUN.facts.index % 2 == 0)]
    columns = fact_columns(replace(RUN, facts=kept))
    assert [len(cell["fact"]) for cell in columns["cells"]] == [40, 20, 20]
    assert len(list(rows_of(columns))) == len(kept)


def test_texts_are_kept_once():
    columns = fact_columns(RUN)
    assert len(columns["texts"]) == len(set(columns["texts"]))
    assert [cell["localizer"] for cell in columns["cells"]] == list(LOCALIZERS)


def test_nothing_packed_can_end_a_script():
    packed = packed_facts(made_run(n_facts=5, word=HOSTILE))
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed)


def test_no_facts():
    columns = fact_columns(replace(RUN, facts=RUN.facts.iloc[:0]))
    assert columns["cells"] == []


@pytest.mark.parametrize("word", [HOSTILE, "", "é"])
def test_hostile_texts_come_back(word):
    run = made_run(n_facts=3, word=word)
    subjects = [
        row["subject"] for row in rows_of(unpacked(run)) if row["localizer"] == clean(run.facts["localizer"].iloc[0])
    ]
    assert subjects == [clean(subject) for subject in run.facts["subject"].iloc[:3]]
