"""Claims in a folder outside the repository, with the real harness, from another working directory."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "own_claims"
GUIDE = (REPOSITORY / "docs" / "own-claims.md").read_text(encoding="utf-8")
FEW = ("--relations=P36,P30,P17", "--limit=1", "--quadrature=gauss-legendre:2", "--draws=100")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; the claims lie beside it."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    (tmp_path / "work").mkdir()
    shutil.copytree(EXAMPLE, tmp_path / "my_claims", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "work"


def run(elsewhere: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-p", "plugins.own_claims", "../my_claims", *arguments]
    return subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)


def test_the_example_is_decided_and_saved_in_another_process(elsewhere: Path) -> None:
    result = run(elsewhere, "--margin=few_neurons=1000", "--model=tiny-gpt2", "-n1", *FEW)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "a query has fewer than 1000 knowledge neurons" in result.stdout
    (saved,) = elsewhere.glob(".kntests/runs/*/run.json")
    record = json.loads(saved.read_text())
    (row,) = record["claims"]
    assert (row["claim"], row["model"], row["localizer"]) == ("few_neurons", "tiny-gpt2", "ig")
    assert (row["verdict"], row["margin"], row["n_queries"], row["n_relations"]) == ("SUPPORTED", 1000.0, 24, 3)
    assert 0 < row["ci_low"] < row["estimate"] < row["ci_high"] < 1000
    assert record["manifest"]["settings"]["margins"] == {"few_neurons": 1000.0}
    assert list(record["manifest"]["models"]) == ["tiny-gpt2"]


def test_a_margin_of_nobodys_claim_is_refused_at_once(elsewhere: Path) -> None:
    result = run(elsewhere, "--margin=few_neuron=3")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no claim 'few_neuron'. Did you mean few_neurons?" in result.stderr


def test_a_model_folder_is_no_test_path(elsewhere: Path) -> None:
    (elsewhere / "model").mkdir()
    (elsewhere / "model" / "conftest.py").write_text("raise SystemExit('the model folder was executed')")
    result = run(elsewhere, "--model", "./model", "--collect-only")
    assert "was executed" not in result.stdout + result.stderr
    assert "model" in result.stderr
    assert result.returncode == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("name", ["few_neurons.py", "test_few_neurons.py", "conftest.py"])
def test_the_guide_shows_the_example(name: str) -> None:
    (shown,) = re.findall(rf"^`my_claims/{name}`.*?\n\n```python\n(.*?)```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert shown == (EXAMPLE / name).read_text(encoding="utf-8")
