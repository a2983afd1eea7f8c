"""Saved runs read with all their tables."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import RecordError, StoreError
from reports.run import EDIT_COLUMNS, FACT_COLUMNS, read_saved_run
from tests.reports.saved import CELLS, ROW, facts, figure_data, made_up_edits, save


def test_everything_of_a_run_is_read(tmp_path):
    run = read_saved_run(save(tmp_path))
    pd.testing.assert_frame_equal(run.facts, facts(), check_dtype=False)
    assert len(run.edits) == len(made_up_edits())
    assert list(run.measured) == ["mapping"]
    assert list(run.figures) == ["figure-1", "figure-4", "figure-5", "figure-7"]
    assert run.cells() == list(CELLS)
    assert run.rows("prevalence")["gpt2", "ig", "static:0.1"] == ROW
    assert run.smoke is None
    assert run.folder == tmp_path
    assert read_saved_run(tmp_path / "run.json").folder == tmp_path


def test_words_are_read_as_they_stand_and_numbers_may_be_missing(tmp_path):
    run = read_saved_run(save(tmp_path))
    assert run.facts["subject"].iloc[0] == "NA"
    assert set(run.facts["object"]) == {"None"}
    assert np.isnan(run.facts["cs2"].iloc[-1])
    assert set(run.figures["figure-7"]["column"]) == {"0", "1", "2", "3"}


def test_what_is_not_there_is_empty(tmp_path):
    save(tmp_path)
    for name in ("edits.csv", "measured/mapping.csv", *(f"figures/{name}.csv" for name in figure_data())):
        (tmp_path / name).unlink()
    (tmp_path / "facts.csv").write_text("\n")
    run = read_saved_run(tmp_path)
    assert (len(run.facts), len(run.edits)) == (0, 0)
    assert set(FACT_COLUMNS) <= set(run.facts.columns)
    assert set(EDIT_COLUMNS) <= set(run.edits.columns)
    assert run.measured == run.figures == {}
    assert run.cells() == []


def test_what_was_drawn_is_not_taken_for_what_was_measured(tmp_path):
    save(tmp_path)
    (tmp_path / "figures" / "figure-4-ig-otsu.csv").write_text("a,b\n1,2\n")
    (tmp_path / "figures" / "figure-10.csv").write_text("model,localizer,title,row,column,value\n")
    assert list(read_saved_run(tmp_path).figures)[-1] == "figure-10"
    assert "figure-4-ig-otsu" not in read_saved_run(tmp_path).figures


@pytest.mark.parametrize("name", ["facts.csv", "edits.csv", "measured/mapping.csv"])
def test_a_table_without_a_column_is_refused_with_its_file(tmp_path, name):
    save(tmp_path)
    pd.read_csv(tmp_path / name).drop(columns="relation").to_csv(tmp_path / name, index=False)
    with pytest.raises(RecordError, match=rf"{name}: the column 'relation' is missing"):
        read_saved_run(tmp_path)


def test_a_run_without_facts_is_refused(tmp_path):
    (save(tmp_path) / "facts.csv").unlink()
    with pytest.raises(StoreError, match=r"facts\.csv: this run lacks the file"):
        read_saved_run(tmp_path)


def test_a_table_that_is_none_is_refused(tmp_path):
    (save(tmp_path) / "facts.csv").write_bytes(b"\xff\xfe\x00,\n\xff")
    with pytest.raises(StoreError, match=r"facts\.csv: this table cannot be read"):
        read_saved_run(tmp_path)
