"""Localizations as columns, against a row-by-row reading of the same Parquet rows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.localizers.selection import Selection
from harness.pipeline.rows import READ, LocalizedRows
from harness.store.localizations import LocalizationStore
from harness.store.rows import LocalizationRow

TEXTS = dict.fromkeys(("fact_uid", "relation", "pattern_id", "subject", "object", "prompt", "answer"), "x")


@st.composite
def stored_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows under the keys k0, k1 ...; some without a score, some without a positive one."""
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        neurons = sorted(draw(st.sets(st.integers(0, 60), max_size=8)))
        floats = st.floats(0.0625, 1, width=32)
        kind = draw(st.sampled_from(["scored", "scored", "unscored", "not positive"]))
        scores = [draw(floats) for _ in neurons] if kind == "scored" else []
        rows.append(
            {
                "row_key": f"k{number}",
                "neurons": tuple(neurons if scores else ()),
                "scores": tuple(scores),
                "max_score": {"scored": max(scores, default=0.0), "unscored": None, "not positive": -0.5}[kind],
                "unscored": "no word" if kind == "unscored" else None,
                "top_token_is_answer": draw(st.booleans()),
                "completeness_gap": draw(st.none() | st.floats(0, 1)),
            }
        )
    return rows


@settings(max_examples=60, deadline=None)
@given(rows=stored_rows(), t=st.sampled_from([0.0625, 0.2, 0.5]), data=st.data())
def test_columns_say_what_rows_say(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], t: float, data: st.DataObject
) -> None:
    store = LocalizationStore(tmp_path_factory.mktemp("rows"), {"model": "m"})
    rest: dict[str, Any] = {"query_index": 0, "answer_probability": 0.5, "joint_probability": 0.5, "n_answer_tokens": 1}
    for part in (rows[::2], rows[1::2]):
        if part:
            store.write_rows([LocalizationRow(**row, **rest, **TEXTS) for row in part])
    keys = data.draw(st.lists(st.sampled_from([row["row_key"] for row in rows]), min_size=1, max_size=10))
    found = LocalizedRows.of_table(store.read(keys, READ), keys, Selection(t=t))
    by_key = {row["row_key"]: row for row in rows}
    asked = [by_key[key] for key in keys]
    assert len(found) == len(keys)
    assert found.known.tolist() == [row["top_token_is_answer"] for row in asked]
    assert found.scored.tolist() == [row["unscored"] is None for row in asked]
    gaps = [np.nan if row["completeness_gap"] is None else row["completeness_gap"] for row in asked]
    np.testing.assert_array_equal(found.columns["completeness_gap"].to_numpy(float), gaps)
    assert [found.stored.ids(i) for i in range(len(keys))] == [list(row["neurons"]) for row in asked]
    assert found.scores.tolist() == [score for row in asked for score in row["scores"]]
    assert [found.sets.ids(i) for i in range(len(keys))] == [_knowledge_neurons(row, t) for row in asked]
    some = np.array(data.draw(st.lists(st.integers(0, len(keys) - 1), max_size=6)), dtype=np.int64)
    taken = found.take(some)
    assert [taken.sets.ids(i) for i in range(len(some))] == [found.sets.ids(i) for i in some.tolist()]
    assert taken.known.tolist() == found.known[some].tolist()
    again = found.at(Selection(t=0.9)).at(Selection(t=t))
    assert again.sets.neurons.tolist() == found.sets.neurons.tolist()


def _knowledge_neurons(row: dict[str, Any], t: float) -> list[int]:
    """The rule, one neuron at a time."""
    largest = row["max_score"]
    if largest is None or largest <= 0:
        return []
    least = np.float32(t) * np.float32(largest)
    return [neuron for neuron, score in zip(row["neurons"], row["scores"], strict=True) if np.float32(score) > least]
