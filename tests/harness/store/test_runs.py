import errno
import os
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import ConfigError, StoreError
from harness.records import Manifest, RunRecord
from harness.store.inspection import leftovers, problems
from harness.store.runs import save_run
from harness.store.saved import find_run, saved_runs
from tests.broken_disk import STEPS, broken_disk, died

RECORD = RunRecord(
    manifest=Manifest(
        created="2026-01-01T00:00:00+00:00",
        command="pytest kntests",
        versions={},
        platform={},
        models={},
        data={},
        settings={},
        smoke=None,
        seconds=1.0,
    ),
    claims=(),
)
FACTS = pd.DataFrame({"fact_uid": ["a"], "cs2": [0.5]})


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("spared", [0, 1, 2])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_run_is_saved_whole_or_not_at_all(tmp_path: Path, step: str, spared: int, code: int) -> None:
    save_run(tmp_path, "first", RECORD, FACTS)
    before = files_in(tmp_path)
    with (
        broken_disk(step, code, spared=spared),
        pytest.raises(StoreError, match=f"cannot be saved: {os.strerror(code)}.*same"),
    ):
        save_run(tmp_path, "second", RECORD, FACTS)
    assert files_in(tmp_path) == before
    assert save_run(tmp_path, "second", RECORD, FACTS).name == "0002_second"


@pytest.mark.parametrize("step", [*STEPS, "rename"])
@pytest.mark.parametrize("spared", [0, 1, 2])
def test_a_process_that_dies_while_it_saves_leaves_no_half_of_a_run(tmp_path: Path, step: str, spared: int) -> None:
    first = save_run(tmp_path, "first", RECORD, FACTS)
    before = files_in(first)
    dead = died(lambda: save_run(tmp_path, "second", RECORD, FACTS), step, spared=spared)
    assert dead == (step != "rename" or spared == 0), "it renames once"
    runs = saved_runs(tmp_path)
    assert [run.name for run in runs[: 1 if dead else 2]] == ["0001_first", "0002_second"][: len(runs)]
    assert all(files_in(run) == before for run in runs)
    assert find_run(tmp_path, "last") == runs[-1]
    assert not list(problems(tmp_path))
    assert [leftover.why for leftover in leftovers(tmp_path)] == ["was being saved at a crash"] * dead
    assert save_run(tmp_path, "third", RECORD, FACTS).name == f"000{len(runs) + 1}_third"


def test_processes_that_save_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    child = os.fork()
    try:
        for _ in range(8):
            save_run(tmp_path, "parent" if child else "child", RECORD, FACTS)
    finally:
        if child == 0:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    names = [run.name for run in saved_runs(tmp_path)]
    assert [int(name[:4]) for name in names] == list(range(1, 17))
    assert sorted(name[5:] for name in names) == ["child"] * 8 + ["parent"] * 8


def test_a_store_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the run cannot be saved: Not a directory"):
        save_run(tmp_path / "file", "name", RECORD, FACTS)


def test_a_name_that_is_no_file_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got '\.\./outside'"):
        save_run(tmp_path, "../outside", RECORD, FACTS)
    assert not any(tmp_path.iterdir())
