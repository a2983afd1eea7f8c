import json
from pathlib import Path

import pytest

from harness.errors import ConfigError, ModelError
from harness.models.handle import resolve_model
from harness.models.names import ALIASES, builtin_models, resolve_name


def test_an_alias_wins_over_a_folder_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _model_folder(tmp_path / "gpt2")
    assert resolve_name("gpt2").hub_id == "openai-community/gpt2"
    assert resolve_name("./gpt2").folder == Path("gpt2")


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_aliases_are_hub_ids(name: str) -> None:
    found = resolve_name(name)
    assert (found.id, found.hub_id, found.builtin) == (name, ALIASES[name], False)


@pytest.mark.parametrize("name", sorted(builtin_models()))
def test_builtin_models_come_with_the_project(name: str) -> None:
    assert resolve_name(name).builtin


def test_a_path_is_a_folder_and_goes_by_its_last_name(tmp_path: Path) -> None:
    folder = _model_folder(tmp_path / "deep" / "mine")
    assert resolve_name(str(folder)).id == "mine"


def test_owner_and_name_is_a_hub_id() -> None:
    assert resolve_name("EleutherAI/pythia-70m").hub_id == "EleutherAI/pythia-70m"


@pytest.mark.parametrize("name", ["gpt2", "EleutherAI/pythia-70m"])
def test_a_revision_stands_behind_an_at_sign(name: str) -> None:
    found = resolve_name(f"{name}@step1000")
    assert (found.id, found.hub_id, found.revision) == (name.split("/")[-1], resolve_name(name).hub_id, "step1000")
    assert resolve_name(name).revision is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt3", "Did you mean gpt2"),
        ("lama3", "Did you mean llama3"),
        ("./nowhere", "no folder './nowhere'"),
        ("a/b/c", "no folder 'a/b/c'"),
        ("somemodel", "A folder is written ./somemodel, a hub id owner/somemodel"),
    ],
)
def test_names_that_stand_for_nothing(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        resolve_name(name)
    assert caught.value.model == name


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"it lacks config\.json, model\.safetensors\."):
        resolve_name(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"it lacks model\.safetensors\..*save_pretrained"):
        resolve_name(str(tmp_path))


def test_a_folder_that_lacks_some_of_the_files_that_its_index_names(tmp_path: Path) -> None:
    folder = _model_folder(tmp_path / "mine")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}))
    (folder / "model-1.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"it lacks model-2\.safetensors\."):
        resolve_name(str(folder))
    index.write_text("[]")
    assert resolve_name(str(folder)).folder == folder


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [("dtype", "float31", "Did you mean float32"), ("device", "cuda:0:1", "no device")],
)
def test_bad_placement(setting: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve_model("tiny-gpt2", **{setting: value})  # type: ignore[arg-type]


def _model_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder
