import errno
import os
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import ConfigError, StoreError
from harness.records import Manifest, RunRecord
from harness.store.runs import save_run
from tests.broken_disk import STEPS, broken_disk

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


def test_a_store_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the run cannot be saved: Not a directory"):
        save_run(tmp_path / "file", "name", RECORD, FACTS)


def test_a_name_that_is_no_file_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got '\.\./outside'"):
        save_run(tmp_path, "../outside", RECORD, FACTS)
    assert not any(tmp_path.iterdir())
