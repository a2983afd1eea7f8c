import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.store.localizations import NUMERICS_VERSION, LocalizationStore
from harness.store.measurements import MeasurementStore
from harness.store.rows import ROW_SCHEMA
from harness.store.shards import ShardFolder, shard_name
from plugins.commands import main
from tests.harness.store.test_localizations import row

IDENTITY = {"weights": "0123456789abcdef", "localizer": "ig", "dtype": "float32"}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    LocalizationStore(tmp_path, IDENTITY).write_rows([row("a"), row("b")])
    MeasurementStore(tmp_path, "mapping", IDENTITY, {"x": pa.float64()}).write(
        [{"row_key": "f", "excluded": None, "x": 1.0}]
    )
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["store", *words])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def shard_of(store: Path, kind: str) -> Path:
    (path,) = (store / kind).glob("*/shard-*.parquet")
    return path


def test_info_counts_rows_by_folder(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = told(capsys, "info", "--store", str(store))
    assert status == 0
    assert "0123456789ab" in text
    assert "3 rows" in text
    assert "0 saved runs" in text


def test_a_sound_store_has_no_problems(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "verify", "--store", str(store)) == (0, "2 shards with 3 rows were read; no problems\n")


@pytest.mark.parametrize("kind", ["localizations", "measurements"])
def test_verify_names_a_damaged_shard_and_leaves_it(kind: str, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard = shard_of(store, kind)
    content = shard.read_bytes()
    shard.write_bytes(content[:-20])
    status, text = told(capsys, "verify", "--store", str(store))
    assert status == 1
    assert f"{shard}: cannot be read" in text
    assert "1 problems" in text
    assert shard.exists()


def test_verify_names_a_manifest_and_a_record_that_are_wrong(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = shard_of(store, "localizations").with_name("manifest.json")
    manifest.write_text(json.dumps({"weights": "another"}))
    (store / "runs/0001_x").mkdir(parents=True)
    (store / "runs/0001_x/run.json").write_text("{}")
    status, text = told(capsys, "verify", "--store", str(store))
    assert status == 1
    assert f"{manifest}: is another folder's" in text
    assert "run.json: is no record" in text


def test_gc_removes_what_no_run_reads_and_nothing_else(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = {shard_of(store, "localizations"), shard_of(store, "measurements")}
    folder = shard_of(store, "localizations").parent
    LocalizationStore(store, IDENTITY).write_rows([row("b")])
    (folder / "shard-0.unreadable").write_bytes(b"x" * 10)
    (folder / ".shard-1.parquet.77.tmp").write_bytes(b"y")
    old = ShardFolder(store / "localizations", {**IDENTITY, "numerics": 1}, pa.schema([("row_key", pa.string())]))
    status, text = told(capsys, "gc", "--store", str(store))
    assert status == 0
    for why in ("another version", "damaged", "at a crash", "in other shards too"):
        assert why in text
    assert "--yes" in text
    assert old.folder.exists(), "without --yes nothing goes"
    told(capsys, "gc", "--store", str(store), "--yes")
    assert not old.folder.exists()
    assert set(store.rglob("shard-*")) == kept
    assert not list(folder.glob(".*"))
    assert told(capsys, "gc", "--store", str(store)) == (0, "nothing to remove\n")
    assert LocalizationStore(store, IDENTITY).present() == {"a", "b"}


@pytest.mark.parametrize("kind", ["damaged", "other columns", "other rows"])
def test_gc_spares_a_shard_whose_rows_lie_in_no_sound_one_besides(
    kind: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A larger shard has all its keys, and is set aside as soon as somebody reads it."""
    sound = shard_of(store, "localizations")
    folder = LocalizationStore(store, IDENTITY)
    keys = ["a", "b", "c"]
    larger = sound.with_name(shard_name(["x"] if kind == "other rows" else keys))
    if kind == "other columns":
        pq.write_table(pa.table({"row_key": keys}), larger)
    else:
        folder.write_rows([row(key) for key in keys])
        written = sound.with_name(shard_name(keys))
        if kind == "damaged":
            column = pq.ParquetFile(written).metadata.row_group(0).column(7)
            content = bytearray(written.read_bytes())
            content[column.data_page_offset + column.total_compressed_size - 3] ^= 255
            written.write_bytes(content)
        written.rename(larger)
    told(capsys, "gc", "--store", str(store), "--yes")
    assert sound.exists()
    with pytest.warns(UserWarning, match="set aside") if kind != "damaged" else nullcontext():
        present = folder.present()
    assert {"a", "b"} <= present
    with pytest.warns(UserWarning, match="set aside") if kind == "damaged" else nullcontext():
        assert folder.read(["a", "b"]).num_rows == 2


def test_what_another_version_stored_is_neither_read_nor_touched(store: Path) -> None:
    old = ShardFolder(store / "localizations", {**IDENTITY, "numerics": NUMERICS_VERSION - 1}, ROW_SCHEMA)
    old.write([asdict(row("a", max_score=7.0)), asdict(row("old"))])
    before = {path: path.read_bytes() for path in old.folder.iterdir()}
    now = LocalizationStore(store, IDENTITY)
    assert now.present() == {"a", "b"}
    assert now.read(["a"]).to_pylist()[0]["max_score"] == row("a").max_score
    assert {path: path.read_bytes() for path in old.folder.iterdir()} == before


def test_what_is_no_store_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = told(capsys, "info", "--store", str(tmp_path / "nowhere"))
    assert status == 2
    assert "no store here" in text
