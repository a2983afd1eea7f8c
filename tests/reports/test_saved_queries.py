"""Queries as they lie on disk."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import RecordError, StoreError
from reports.saved_queries import read_queries

QUERIES = {
    "model": ["a", "a", "b"],
    "localizer": ["ig"] * 3,
    "fact_uid": ["1", "2", "1"],
    "pattern_id": ["P1:1", "P1:2", "P1:1"],
    "known": [True, False, True],
    "d_ff": [64] * 3,
    "neurons": [[3, 70], [], [5]],
}
PATTERNS = pd.DataFrame(
    {
        "model": ["a", "a", "b"],
        "relation": ["P1"] * 3,
        "pattern_id": ["P1:1", "P1:2", "P1:1"],
        "frame": ["[X] is", "NA", "[X] is [Y]."],
    }
)


def save(folder, *, patterns=PATTERNS, **changes):
    pq.write_table(pa.table({**QUERIES, **changes}), folder / "queries.parquet")
    patterns.to_csv(folder / "patterns.csv", index=False)


def test_queries_have_the_frame_of_their_model(tmp_path):
    save(tmp_path)
    found = read_queries(tmp_path)
    assert found.table["frame"].tolist() == ["[X] is", "NA", "[X] is [Y]."]
    assert found.sets.neurons.tolist() == [3, 70, 5]
    assert found.sets.sizes.tolist() == [2, 0, 1]


def test_a_run_of_an_older_version_has_none(tmp_path):
    assert read_queries(tmp_path) is None


def test_what_is_broken_is_named(tmp_path):
    save(tmp_path, patterns=PATTERNS.iloc[:2])
    with pytest.raises(StoreError, match="patterns that are not saved"):
        read_queries(tmp_path)
    save(tmp_path, patterns=PATTERNS.drop(columns="frame"))
    with pytest.raises(RecordError, match=r"patterns\.csv: the column 'frame' is missing"):
        read_queries(tmp_path)
    save(tmp_path, neurons=[[3, 3], [], [5]])
    with pytest.raises(StoreError, match="must be sorted"):
        read_queries(tmp_path)
    (tmp_path / "patterns.csv").unlink()
    with pytest.raises(StoreError, match="the queries cannot be read"):
        read_queries(tmp_path)
    (tmp_path / "queries.parquet").write_bytes(b"no table")
    with pytest.raises(StoreError, match="the queries cannot be read"):
        read_queries(tmp_path)
