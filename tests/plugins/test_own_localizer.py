"""A localizer from somewhere else, which imports nothing of ours, runs from where it lies."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.localizers.conformance import CHECKS

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "own_localizer" / "gradient_times_activation.py"
PLANTED = ("--model=planted-consistent",)
NAME = "gradient_times_activation:GradientTimesActivation"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", str(REPOSITORY / "kntests"), "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_it_passes_the_kit_and_is_judged(tmp_path: Path) -> None:
    assert "import harness" not in EXAMPLE.read_text()
    assert "from harness" not in EXAMPLE.read_text()
    shutil.copy(EXAMPLE, tmp_path)
    cells = "conforms or (inconsistent_facts_are_frequent and otsu)"
    result = run(tmp_path, "-v", "-k", cells, "--localizer", NAME, "--limit=4", "--draws=200", *PLANTED)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    assert result.stdout.count(" PASSED") == len(CHECKS), result.stdout
    assert "gradient-times-activation" in result.stdout
    assert len(list(tmp_path.glob(".kntests/runs/*/run.json"))) == 1


def test_one_that_misbehaves_is_told_so_in_a_sentence(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace("p * g[0, -1]", "p * g[0, -1] * torch.rand(())")
    (tmp_path / "gradient_times_activation.py").write_text(text)
    result = run(tmp_path, "-m", "controls", "-k", "deterministic", "--localizer", NAME, *PLANTED)
    assert result.returncode == 1
    assert "got other scores the second time" in result.stdout
    assert "Traceback" not in result.stdout
