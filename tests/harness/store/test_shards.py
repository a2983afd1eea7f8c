"""Shards that were damaged, or are somebody else's: quarantined by name, never believed, never a crash."""

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import StoreError
from harness.store.shards import ShardFolder, shard_name
from tests.broken_disk import STEPS, died

SCHEMA = pa.schema(
    [
        pa.field("row_key", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=True),
        pa.field("neurons", pa.list_(pa.int32()), nullable=False),
    ]
)
ROWS = [{"row_key": f"k{i}", "value": i / 7, "neurons": list(range(i))} for i in range(20)]


def folder_in(root: Path) -> ShardFolder:
    return ShardFolder(root, {"model": "m"}, SCHEMA)


def the_shard(folder: ShardFolder) -> Path:
    (path,) = folder.folder.glob("shard-*.parquet")
    return path


def test_the_name_is_that_of_the_keys_in_their_order(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.write(ROWS)
    assert the_shard(folder).name == shard_name([row["row_key"] for row in ROWS])
    assert shard_name(["a", "b"]) != shard_name(["b", "a"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_shard_is_right_or_missing(tmp_path: Path, place: float, flip: int, cut: bool) -> None:
    """One byte is another one, or the file ends early: its rows are as they were, or they are not there."""
    folder = folder_in(tmp_path)
    folder.write(ROWS)
    path = the_shard(folder)
    content = bytearray(path.read_bytes())
    at = int(place * len(content))
    content[at] ^= flip
    path.write_bytes(bytes(content[:at] if cut else content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            keys = folder.present()
            found = folder.read(keys).to_pylist()
        except StoreError:
            found = []
        assert found in ([], ROWS)
        folder.write(ROWS)
        assert folder.read({row["row_key"] for row in ROWS}).num_rows == len(ROWS)
    for left in folder.folder.glob("*.unreadable"):
        left.unlink()


@pytest.mark.parametrize(
    ("rows", "name", "reason"),
    [
        (pa.table({"a": [1]}), "shard-x.parquet", "its columns are a"),
        (pa.Table.from_pylist(ROWS[:3], schema=SCHEMA), shard_name(["k0"]), "other rows than its name says"),
        (pa.table({"row_key": ["k1"], "value": ["text"], "neurons": [[1]]}), shard_name(["k1"]), "its columns are"),
    ],
    ids=["other columns", "other rows", "other types"],
)
def test_a_foreign_shard_is_set_aside_and_named(tmp_path: Path, rows: pa.Table, name: str, reason: str) -> None:
    folder = folder_in(tmp_path)
    folder.write(ROWS)
    pq.write_table(rows, folder.folder / name)
    with pytest.warns(UserWarning, match=reason):
        assert folder.present() == {row["row_key"] for row in ROWS}
    assert (folder.folder / name).with_suffix(".unreadable").exists()


def test_damage_where_keys_are_not_is_found_when_rows_are_read(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.write(ROWS)
    path = the_shard(folder)
    column = pq.ParquetFile(path).metadata.row_group(0).column(1)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 5] ^= 255
    path.write_bytes(bytes(content))
    assert len(folder.present()) == len(ROWS)
    with pytest.warns(UserWarning, match="set aside"), pytest.raises(StoreError, match="the same command"):
        folder.read({"k1"})
    assert folder.present() == set()


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_dies_while_it_writes_leaves_a_sound_store(tmp_path: Path, step: str) -> None:
    """As kill -9 would at this step: what was there is there, and what was being written is missing or whole."""
    folder = folder_in(tmp_path)
    folder.write(ROWS[:10])
    assert died(lambda: folder.write(ROWS[10:]), step)
    again = folder_in(tmp_path)
    assert again.present() == {row["row_key"] for row in ROWS[:10]}
    assert again.read(again.present()).num_rows == 10
    again.write(ROWS[10:])
    assert again.read({row["row_key"] for row in ROWS}).num_rows == len(ROWS)


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_dies_while_it_begins_a_store_leaves_one_that_can_be_begun(tmp_path: Path, step: str) -> None:
    assert died(lambda: folder_in(tmp_path), step)
    folder = folder_in(tmp_path)
    folder.write(ROWS)
    assert json.loads((folder.folder / "manifest.json").read_text()) == {"model": "m"}
    assert folder.present() == {row["row_key"] for row in ROWS}


def as_nobody(work: Callable[[], object]) -> int:
    """Exit status of a process that does `work` as a user whom permissions hold, as they do not hold root."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            work()
            status = 0
        except StoreError:
            status = 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_store_that_may_only_be_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    """By its permissions: what is there is found, what is not cannot be written, and a damaged shard stays."""
    root = Path(tempfile.mkdtemp())  # pytest's own folders are not for others
    try:
        folder = folder_in(root)
        folder.write(ROWS)
        content = the_shard(folder).read_bytes()
        for path, mode in ((the_shard(folder), 0o444), (folder.folder, 0o555), (root, 0o555)):
            path.chmod(mode)

        def read() -> None:
            again = folder_in(root)
            with again.alone("rows", lambda: None):
                assert again.read(again.present()).num_rows == len(ROWS)

        assert as_nobody(read) == 0
        assert as_nobody(lambda: folder_in(root).write(ROWS[:3])) == 1
        assert as_nobody(lambda: ShardFolder(root, {"model": "other"}, SCHEMA)) == 1
        assert {path.name for path in folder.folder.iterdir()} == {the_shard(folder).name, "manifest.json"}
        the_shard(folder).chmod(0o644)
        the_shard(folder).write_bytes(content[:50])
        assert as_nobody(lambda: folder_in(root).present()) == 1
        assert the_shard(folder).read_bytes() == content[:50]
    finally:
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(root)
