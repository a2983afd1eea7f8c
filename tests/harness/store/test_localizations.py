import errno
import json
import os
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.store.localizations import NUMERICS_VERSION, LocalizationStore
from harness.store.rows import LocalizationRow
from tests.broken_disk import STEPS, broken_disk

IDENTITY = {"weights": "w", "localizer": "ig", "config": {"steps": 20}}


def row(key: str, **changes: object) -> LocalizationRow:
    fields: dict[str, object] = {
        "row_key": key,
        "fact_uid": f"fact of {key}",
        "relation": "P36",
        "pattern_id": "P36:1",
        "subject": "France",
        "object": "Paris",
        "query_index": 0,
        "prompt": "The capital of France is",
        "answer": "Paris",
        "answer_probability": 0.5,
        "joint_probability": 0.25,
        "top_token_is_answer": True,
        "n_answer_tokens": 2,
        "unscored": None,
        "max_score": 0.125,
        "completeness_gap": None,
        "neurons": (3, 70_000),
        "scores": (0.125, 0.0625),
    }
    return LocalizationRow(**{**fields, **changes})  # type: ignore[arg-type]


def test_what_is_written_is_read_by_whoever_asks_for_the_same(tmp_path: Path) -> None:
    LocalizationStore(tmp_path, IDENTITY).write_rows([row("a"), row("b", neurons=(), scores=())])
    store = LocalizationStore(tmp_path, IDENTITY)
    assert store.present() == {"a", "b"}
    (found,) = store.read(["a"]).to_pylist()
    assert found == {
        **{name: getattr(row("a"), name) for name in found},
        "neurons": [3, 70_000],
        "scores": [0.125, 0.0625],
    }
    assert store.read(["b"]).to_pylist()[0]["neurons"] == []


def test_a_query_without_a_score_has_its_reason_and_no_number(tmp_path: Path) -> None:
    store = LocalizationStore(tmp_path, IDENTITY)
    store.write_rows([row("a", unscored="no word", max_score=None, neurons=(), scores=()), row("b")])
    (found,) = store.read(["a"]).to_pylist()
    assert (found["unscored"], found["max_score"], found["scores"]) == ("no word", None, [])
    assert store.read(["b"]).to_pylist()[0]["unscored"] is None


@pytest.mark.parametrize(
    "other", [{"weights": "v"}, {"localizer": "sig"}, {"config": {"steps": 21}}, {"dtype": "bfloat16"}]
)
def test_any_other_identity_is_another_folder(tmp_path: Path, other: dict[str, object]) -> None:
    LocalizationStore(tmp_path, IDENTITY).write_rows([row("a")])
    assert LocalizationStore(tmp_path, {**IDENTITY, **other}).present() == set()


def test_what_was_hashed_lies_beside_the_shards(tmp_path: Path) -> None:
    folder = LocalizationStore(tmp_path, IDENTITY).folder
    assert json.loads((folder / "manifest.json").read_text()) == {**IDENTITY, "numerics": NUMERICS_VERSION}


def test_a_row_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    store = LocalizationStore(tmp_path, IDENTITY)
    store.write_rows([row("a"), row("b")])
    store.write_rows([row("b"), row("c")])
    assert sorted(store.read(["a", "b", "c"])["row_key"].to_pylist()) == ["a", "b", "c"]


def test_rows_that_are_missing_are_an_error(tmp_path: Path) -> None:
    store = LocalizationStore(tmp_path, IDENTITY)
    store.write_rows([row("a")])
    with pytest.raises(StoreError, match="1 of 2 rows are missing"):
        store.read(["a", "z"])


def test_the_same_shard_written_twice_is_one_file(tmp_path: Path) -> None:
    store = LocalizationStore(tmp_path, IDENTITY)
    store.write_rows([row("a")])
    store.write_rows([row("a")])
    assert len(list(store.folder.glob("shard-*.parquet"))) == 1


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1"])
def test_a_shard_that_cannot_be_read_is_set_aside_and_its_rows_are_missing(tmp_path: Path, content: bytes) -> None:
    store = LocalizationStore(tmp_path, IDENTITY)
    store.write_rows([row("a")])
    store.write_rows([row("b")])
    broken = next(path for path in store.folder.glob("shard-*.parquet") if "a" in _keys(path))
    broken.write_bytes(content)
    with pytest.warns(UserWarning, match="cannot be read"):
        assert store.present() == {"b"}
    assert broken.with_suffix(".unreadable").read_bytes() == content
    store.write_rows([row("a")])
    assert store.present() == {"a", "b"}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fails_leaves_what_was_there(tmp_path: Path, step: str, code: int) -> None:
    store = LocalizationStore(tmp_path, IDENTITY)
    store.write_rows([row("a")])
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    with broken_disk(step, code), pytest.raises(StoreError, match=f"a shard cannot be.*{os.strerror(code)}"):
        store.write_rows([row("b")])
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before
    assert store.present() == {"a"}
    store.write_rows([row("b")])
    assert store.present() == {"a", "b"}


@pytest.mark.parametrize("step", STEPS)
def test_a_store_that_cannot_be_begun_leaves_no_half_of_a_manifest(tmp_path: Path, step: str) -> None:
    with (
        broken_disk(step, errno.ENOSPC),
        pytest.raises(StoreError, match="store cannot be written: No space left"),
    ):
        LocalizationStore(tmp_path, IDENTITY)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    assert LocalizationStore(tmp_path, IDENTITY).present() == set()


def test_a_store_that_is_complete_needs_no_writing(tmp_path: Path) -> None:
    LocalizationStore(tmp_path, IDENTITY).write_rows([row("a")])
    with broken_disk("open", errno.EROFS):
        store = LocalizationStore(tmp_path, IDENTITY)
        assert store.read(store.present()).num_rows == 1


def test_a_broken_shard_on_a_read_only_disk(tmp_path: Path) -> None:
    store = LocalizationStore(tmp_path, IDENTITY)
    (store.folder / "shard-0.parquet").write_bytes(b"garbage")
    message = r"shard-0.parquet: cannot be read .*, nor renamed: Read-only file system"
    with broken_disk("rename", errno.EROFS), pytest.raises(StoreError, match=message):
        store.present()


def test_a_store_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the store cannot be written"):
        LocalizationStore(tmp_path / "file", IDENTITY)


def _keys(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=["row_key"])["row_key"].to_pylist()
