"""The CI recipe of examples/gate_your_editor, run as it stands: a weakened editor fails with the right rows."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "gate_your_editor"
FEW = ("--limit=3", "--draws=400", "--threshold=static:0.1")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The editor's repository."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "editor"))


def gate(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KNTESTS": str(REPOSITORY)}
    words = [*shlex.split(command), *FEW]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def commands() -> list[str]:
    """What the workflow runs of gate.sh, in order."""
    return re.findall(r"^ +(sh gate\.sh .*)$", (EXAMPLE / "workflows" / "gate.yml").read_text(), re.MULTILINE)


def test_a_weakened_editor_fails_with_the_right_rows_and_a_restored_one_passes(checkout: Path) -> None:
    editor = checkout / "damped_neurons" / "__init__.py"
    assert not re.search(r"^(import|from) (harness|plugins|reports)", editor.read_text(), re.MULTILINE)
    save, compare = commands()
    first = gate(checkout, save)
    assert first.returncode == 0, first.stdout + first.stderr
    text = editor.read_text()
    editor.write_text(text.replace("STRENGTH = 1.0", "STRENGTH = 0.02"))
    second = gate(checkout, compare)
    assert second.returncode == 1, second.stdout + second.stderr
    worse = {tuple(row) for row in re.findall(r"^REGRESSION: (\w+) of damped-neurons \((\w+)\)", second.stdout, re.M)}
    assert worse == {("rel", "erase"), ("gen", "erase"), ("rel", "update"), ("gen", "update")}
    assert re.search(r"^REGRESSION: gen of damped-neurons \(erase\) .* 90 % \[-[\d.]+, -[\d.]+\]", second.stdout, re.M)
    editor.write_text(text)
    third = gate(checkout, compare)
    assert third.returncode == 0, third.stdout + third.stderr
    assert "0 regressions, 0 improvements" in third.stdout
