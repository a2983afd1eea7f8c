"""A model behind a URL: copied once a machine, copied anew when it changes, and never taken for another."""

import json
import shutil
from pathlib import Path

import fsspec
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem

from harness.errors import ModelError
from harness.execution.worker import resolve_recipe
from harness.models.handle import resolve_model
from tests.random_models import random_model, word_tokenizer

URL = "memory://bucket/models/somebody"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("there") / "somebody"
    random_model("gpt2", dtype=torch.float32, layers=1).model.save_pretrained(path)
    word_tokenizer().save_pretrained(path)
    (path / "pytorch_model.bin").write_bytes(b"not wanted")
    (path / "modeling_own.py").write_text("raise SystemExit")
    return path


@pytest.fixture(autouse=True)
def bucket(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryFileSystem:
    """The model in a file system that only this process has, and an empty cache of this machine's."""
    monkeypatch.setenv("KNTESTS_HOME", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    for path in folder.iterdir():
        system.pipe(f"/bucket/models/somebody/{path.name}", path.read_bytes())
    return system


def test_it_is_the_model_of_the_folder(folder: Path, tmp_path: Path) -> None:
    handle = resolve_model(URL, device="cpu")
    assert (handle.name, handle.describe()["source"]) == ("somebody", URL)
    assert handle.identity() == resolve_model(str(folder), device="cpu").identity()
    assert handle.folder.is_relative_to(tmp_path / "cache")
    assert not {path.suffix for path in handle.folder.iterdir()} & {".bin", ".py"}
    handle.loaded()


def test_a_copy_is_made_once_and_anew_when_the_files_change(bucket: MemoryFileSystem) -> None:
    first = resolve_model(URL).folder
    kept = (first / "config.json").stat()
    assert resolve_model(URL).folder == first
    assert (first / "config.json").stat() == kept
    config = json.loads(bucket.cat("/bucket/models/somebody/config.json"))
    bucket.pipe("/bucket/models/somebody/config.json", json.dumps({**config, "changed": 1}).encode())
    other = resolve_model(URL)
    assert other.folder != first
    assert other.fingerprint != resolve_model(str(first)).fingerprint
    bucket.store.clear()
    assert resolve_model(URL, offline=True).folder == other.folder


def test_another_node_makes_a_copy_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = resolve_model(URL, device="cpu")
    recipe, identity = here.recipe(), here.identity()
    shutil.rmtree(here.folder)  # as it looks from a machine with another disk
    monkeypatch.setenv("KNTESTS_HOME", str(tmp_path / "another"))
    there = resolve_recipe(recipe, None)
    assert there.folder.is_relative_to(tmp_path / "another")
    assert (there.name, there.identity()) == ("somebody", identity)


def test_names_lead_nowhere_else(bucket: MemoryFileSystem, tmp_path: Path) -> None:
    bucket.pipe("/bucket/models/somebody/../../escape.json", b"{}")
    bucket.pipe("/bucket/models/somebody/deeper/more.json", b"{}")
    copied = resolve_model(URL).folder
    assert all(path.parent == copied for path in copied.rglob("*"))
    assert not list(tmp_path.rglob("escape.json")) or (copied / "escape.json").is_file()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://bucket/model", "Install s3fs"),
        ("nosuch://bucket/model", "Protocol not known: nosuch"),
        ("memory://bucket/none", "could not be fetched|lacks config.json"),
        ("memory://", "names no folder"),
    ],
)
def test_what_cannot_be_fetched_says_why(url: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if url.startswith("s3"):
        monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(ModelError, match=says):
        _ = resolve_model(url).folder
    with pytest.raises(ModelError):
        _ = resolve_model(url, offline=True).folder


def test_a_half_made_copy_is_not_left(bucket: MemoryFileSystem, tmp_path: Path) -> None:
    bucket.rm("/bucket/models/somebody/model.safetensors")
    with pytest.raises(ModelError, match=r"lacks model\.safetensors"):
        _ = resolve_model(URL).folder
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
