"""`kntests report`: reports of a saved run again, without a model."""

import subprocess
import sys
from pathlib import Path

import pytest

from plugins.commands import main
from tests.reports.saved import save


@pytest.fixture
def store(tmp_path):
    save(tmp_path / "runs" / "0001_first", claims=())
    save(tmp_path / "runs" / "0002_mine", smoke="at most 2 facts a relation")
    return tmp_path


def test_last_run_in_its_own_folder(store, capsys):
    assert main(["report", f"--store={store}", "--format=md,csv"]) == 0
    *paths, note = capsys.readouterr().out.splitlines()
    assert note == "smoke run, not a result: at most 2 facts a relation"
    assert all(Path(path).is_file() for path in paths)
    assert {Path(path).parent for path in paths} == {store / "runs" / "0002_mine" / "tables"}
    assert {Path(path).suffix for path in paths} == {".md", ".csv"}


def test_a_named_run_elsewhere(store, tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert main(["report", "first", f"--store={store}", "--format=latex,md", f"--out={out}"]) == 0
    assert capsys.readouterr().out.split() == [
        str(out / "tables" / name)
        for name in ("verdicts.md", *(path.name for path in sorted(out.glob("tables/*.tex"))))
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nope"], "no saved run 'nope'. Known: 0001_first, 0002_mine."),
        (["--format=pdf"], "--format cannot be 'pdf'. Known: all, csv, figures, html, latex, md."),
        (["--format=,"], "--format needs at least one entry"),
    ],
)
def test_mistakes_are_told(store, capsys, words, says):
    assert main(["report", f"--store={store}", *words]) == 2
    assert says in capsys.readouterr().err


def test_neither_torch_nor_without_figures_matplotlib_is_imported(store):
    script = """
import sys
from plugins.commands import main
assert main(sys.argv[1:]) == 0
assert not {"torch", "transformers", "matplotlib"} & set(sys.modules)
"""
    words = ["report", f"--store={store}", "--format=md,latex,csv"]
    subprocess.run([sys.executable, "-c", script, *words], check=True, stdout=subprocess.DEVNULL)
