"""`kntests sensitivity`: tables, files and the curve; nothing is loaded twice; mistakes are told."""

import csv
import json
import re
from pathlib import Path

import pytest

from harness.models.handle import ModelHandle
from plugins.commands import main

pytestmark = pytest.mark.slow

FEW = ("--limit=2", "--draws=100", "--quadrature=gauss-legendre:2", "--sample=8", "--fractions=0.1,0.3")


def test_tables_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"--store={tmp_path / 'store'}"
    words = ["sensitivity", *FEW, store, "--threshold=otsu", "--quadratures=right:2", "--margin=prevalence=0.4"]
    assert main(words) == 0
    shown = capsys.readouterr()
    folder = tmp_path / "store" / "sensitivity" / "tiny-gpt2-ig-otsu"
    assert f"saved in {folder}" in shown.out
    assert "smoke run, not a result: at most 2 facts a relation; built-in model tiny-gpt2" in shown.out
    assert re.search(r"^0\.1 +\d+\.\d +0\.\d\d \[0\.\d\d, \d\.\d\d\] ", shown.out, re.MULTILINE)
    assert re.search(r"^right:2 +0\.\d{3} +\d+%", shown.out, re.MULTILINE)
    with (folder / "selection.csv").open(newline="") as stream:
        selection = list(csv.DictReader(stream))
    assert [row["t"] for row in selection] == ["0.1", "0.3"]
    record = json.loads((folder / "sensitivity.json").read_text())
    assert record["margin"] == 0.4
    assert [row["share_inconsistent"] for row in record["selection"]] == [
        float(row["share_inconsistent"]) for row in selection
    ]
    assert [row["quadrature"] for row in record["quadratures"]] == ["right:2", "gauss-legendre:64"]
    assert "![Share of K_II" in (folder / "sensitivity.md").read_text()
    assert (folder / "selection.png").read_bytes().startswith(b"\x89PNG")
    assert "queries of one fact" in (folder / "selection.svg").read_text()

    def fail(self: ModelHandle) -> None:
        raise AssertionError("the model was loaded although everything is stored")

    monkeypatch.setattr(ModelHandle, "loaded", fail)
    out = tmp_path / "elsewhere" / "mine"
    assert main([*words[:-1], f"--out={out}", "--margin=prevalence=0.4"]) == 0
    assert (out / "selection.csv").read_bytes() == (folder / "selection.csv").read_bytes()
    assert (out / "selection.svg").read_bytes() == (folder / "selection.svg").read_bytes()
    assert main(["sensitivity", *FEW, store, "--quadratures=none", f"--out={tmp_path / 'bare'}"]) == 0
    assert "No other quadrature was looked at" in capsys.readouterr().out
    assert not (tmp_path / "bare" / "quadratures.csv").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fractions=0.1,x"], "--fractions are numbers separated by commas"),
        (["--fractions="], "--fractions are numbers separated by commas"),
        (["--fractions=0.05"], "t lies between 0.05 (what is stored) and 1, got 0.05"),
        (["--quadratures=rihgt:20"], "Did you mean right?"),
        (["--quadratures=,"], "--quadratures are rules such as right:20,midpoint:20, or none; got ','"),
        (["--sample=0"], "--sample must be a whole number, 1 or more; got '0'"),
        (["--localizer=ig,sig"], "this command takes one localizer at a time, got 2"),
        (["--localizer=gi"], "no localizer 'gi'"),
        (["--threshold=static:0.1,otsu"], "this command takes one threshold at a time, got 2"),
        (["--threshold=static:2"], "a static threshold was set to 2.0"),
        (["--margin=trend=0.1"], "no claim 'trend'"),
        (["--margin=prevalence=2"], "margin of prevalence was set to 2.0"),
        (["--draws=1"], "draws was set to 1"),
        (["--relations=P0"], "P0"),
        (["--model=tiny-gtp2"], "Did you mean tiny-gpt2"),
    ],
)
def test_mistakes_are_told(words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", *FEW, f"--store={tmp_path / 'store'}", *words]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
    assert not (tmp_path / "store").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    words = ["sensitivity", *FEW, f"--store={tmp_path / 'store'}", "--quadratures=none", f"--out={tmp_path / 'file'}"]
    assert main([*words, "--relations=P36,P30"]) == 2
    assert "the results cannot be written" in capsys.readouterr().err
