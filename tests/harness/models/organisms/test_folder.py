from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.download import HOME_VARIABLE
from harness.errors import ModelError
from harness.models.organisms import folder as building
from harness.models.organisms.folder import planted_folder, save
from harness.models.organisms.recipe import ARCHITECTURES, Planted
from tests.planted import SMALL

NOISY = replace(SMALL, noise=0.1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("recipe", [SMALL, NOISY], ids=["plain", "noisy"])
def test_the_same_recipe_gives_the_same_bytes(architecture: str, recipe: object, tmp_path: Path) -> None:
    planted = Planted(recipe=recipe, architecture=architecture)  # type: ignore[arg-type]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save(planted, tmp_path / name)
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "two")
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= one.keys()


def test_every_recipe_has_a_folder_of_its_own() -> None:
    recipes = [SMALL, NOISY, replace(SMALL, seed=1), replace(SMALL, overlap=0.2)]
    folders = [planted_folder(Planted(recipe=r, architecture=a)) for r in recipes for a in ARCHITECTURES]
    weights = {(folder / "model.safetensors").read_bytes() for folder in folders}
    assert len(set(folders)) == len(weights) == len(folders)


def test_a_model_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(recipe=SMALL, architecture="gpt2")
    folder = planted_folder(planted)

    def fail(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(building, "save", fail)
    assert planted_folder(planted) == folder


def test_a_new_builder_builds_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Planted(recipe=SMALL, architecture="gpt2")
    before = planted_folder(planted)
    monkeypatch.setattr(building, "BUILDER_VERSION", building.BUILDER_VERSION + 1)
    assert planted_folder(planted) != before


def test_a_build_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    planted = Planted(recipe=SMALL, architecture="llama")

    def broken(planted: Planted, folder: Path) -> None:
        save(planted, folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building, "save", broken)
        with pytest.raises(KeyboardInterrupt):
            planted_folder(planted)
    assert list((tmp_path / "planted").iterdir()) == []
    assert (planted_folder(planted) / "model.safetensors").exists()


def test_another_process_that_was_faster_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    planted = Planted(recipe=SMALL, architecture="llama")

    def overtaken(planted: Planted, folder: Path) -> None:
        monkeypatch.setattr(building, "save", save)
        planted_folder(planted)
        save(planted, folder)

    monkeypatch.setattr(building, "save", overtaken)
    folder = planted_folder(planted)
    assert [path.name for path in (tmp_path / "planted").iterdir()] == [folder.name]
    assert (folder / "planted.json").exists()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ModelError, match=f"Set {HOME_VARIABLE} to a folder"):
        planted_folder(Planted(recipe=SMALL, architecture="gpt2"))
