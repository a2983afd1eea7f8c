"""The calibration of localizers: every measurement once, whatever breaks off."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.data.download import HOME_VARIABLE

SCRIPT = Path(__file__).parents[2] / "scripts" / "calibrate_localizers.py"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    spec = importlib.util.spec_from_file_location("calibrate_localizers", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_measurement_without_noise_finds_what_was_planted(script: ModuleType) -> None:
    measured = script.measure(script.Cell(localizer="ig", architecture="llama", seed=0))
    assert measured["known"] == measured["precision"] == measured["recall"] == 1.0
    assert 0.5 < measured["probability"] < 0.95
    assert measured["share"] == pytest.approx(measured["realised"], abs=0.03)


def test_what_is_measured_is_not_measured_again(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def fake(cell: object) -> dict[str, float]:
        asked.append(cell)
        if len(asked) == 40:
            raise KeyboardInterrupt
        return dict.fromkeys(("known", "probability", "precision", "recall", "share", "realised"), 0.5)

    monkeypatch.setattr(script, "measure", fake)
    cells, results = script.cells(["ig", "sig"]), tmp_path / "results" / "file.jsonl"
    assert len(set(cells)) == len(cells)
    with pytest.raises(KeyboardInterrupt):
        script.compute(cells, results)
    text = results.read_text()
    assert text.count("\n") == 39
    results.write_text(text[:-30])  # as if the machine had gone down in the middle of a line
    script.compute(cells, results)
    assert len(asked) == len(cells) + 2
    assert set(script.read(results)) == {script.key(cell) for cell in cells}
    script.compute(cells, results)
    assert len(asked) == len(cells) + 2
    page = script.page(cells, script.read(results))
    assert "| sig         | 0.05    | 0.500 (0.500 to 0.500)" in page
    assert "{" not in page


def test_another_builder_is_another_measurement(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = script.Cell(localizer="ig", architecture="gpt2", seed=0)
    before = script.key(cell)
    assert json.loads(before)["architecture"] == "gpt2"
    monkeypatch.setattr(script, "BUILDER_VERSION", -1)
    assert script.key(cell) != before
