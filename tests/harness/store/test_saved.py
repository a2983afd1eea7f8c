"""Saved runs found again."""

import pytest

from harness.errors import StoreError
from harness.store.saved import find_run, number_and_name, saved_runs


@pytest.fixture
def store(tmp_path):
    for name in ("0002_mine", "0010_mine", "0001_first", "0011_3", "12345_long_name"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text("{}")
    (tmp_path / "runs" / "notes.txt").write_text("")
    return tmp_path


def test_runs_are_in_the_order_in_which_they_were_saved(store, tmp_path):
    names = [path.name for path in saved_runs(store)]
    assert names == ["0001_first", "0002_mine", "0010_mine", "0011_3", "12345_long_name"]
    assert number_and_name(saved_runs(store)[-1]) == (12345, "long_name")
    assert saved_runs(tmp_path / "nowhere") == []
    with pytest.raises(StoreError, match="a saved run's folder is a number"):
        number_and_name(tmp_path / "runs" / "notes.txt")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("last", "12345_long_name"),
        ("1", "0001_first"),
        ("0001", "0001_first"),
        ("first", "0001_first"),
        ("mine", "0010_mine"),
        ("2", "0002_mine"),
        ("0002_mine", "0002_mine"),
        ("12345", "12345_long_name"),
        ("3", "0011_3"),
    ],
)
def test_a_run_is_called_by_number_name_or_last(store, asked, found):
    assert find_run(store, asked).name == found


def test_a_path_is_a_run_too_and_the_store_comes_first(store, tmp_path, monkeypatch):
    for name in ("mine", "other"):
        (tmp_path / "here" / name).mkdir(parents=True)
        (tmp_path / "here" / name / "run.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "here")
    assert find_run(store, "mine").name == "0010_mine"
    assert find_run(store, "./mine").resolve() == tmp_path / "here" / "mine"
    assert find_run(store, "other/run.json").resolve() == tmp_path / "here" / "other"


def test_a_run_that_is_not_there_is_told_with_those_that_are(store, tmp_path):
    with pytest.raises(StoreError, match=r"no saved run '0001_frist'\. Did you mean 0001_first"):
        find_run(store, "0001_frist")
    with pytest.raises(StoreError, match=r"no saved run 'last'\. Known: none"):
        find_run(tmp_path / "nowhere", "last")
