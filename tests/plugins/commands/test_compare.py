"""`kntests compare`: exit status, the lines that name what got worse, the three formats."""

import csv
import io
import subprocess
import sys

import pytest

from plugins.commands import main
from tests.reports.gate.simulated import Population, save

POPULATION = Population(relations=12, facts=20)
FAIL = "--fail=gen:-0.02@p<0.05,ppl:+5%@p<0.05"


@pytest.fixture
def store(tmp_path):
    save(tmp_path / "runs/0001_good", POPULATION.edits(1))
    save(tmp_path / "runs/0002_weak", POPULATION.edits(2, loss=0.3))
    save(tmp_path / "runs/0003_good", POPULATION.edits(2))
    return f"--store={tmp_path}"


def test_a_regression_is_named_with_its_interval_and_exits_1(store, capsys):
    assert main(["compare", "good", "weak", FAIL, store, "--draws=400"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("0002_weak compared with 0003_good\n")
    for kind in ("erase", "update"):
        assert f"REGRESSION: gen of mine ({kind}) on gpt2 ig went from 0." in shown
    assert "90 % [-0." in shown
    assert "240 facts of 12 relations, p = 0.00" in shown
    assert "2 regressions, 0 improvements against 0003_good." in shown


def test_an_improvement_is_shown_and_exits_0(store, capsys):
    assert main(["compare", "2", "3", FAIL, store, "--draws=400"]) == 0
    assert "improvement: gen of mine (erase)" in capsys.readouterr().out


def test_without_limits_everything_is_shown_and_nothing_fails(store, capsys):
    assert main(["compare", "0001_good", "weak", store, "--draws=400"]) == 0
    assert "REGRESSION" not in capsys.readouterr().out


def test_markdown_and_csv(store, capsys):
    main(["compare", "good", "weak", FAIL, store, "--draws=400", "--format=md"])
    page = capsys.readouterr().out
    assert page.startswith(
        "## 0002_weak compared with 0003_good\n\n### Edits: 0002_weak compared with 0003_good\n\n| Model "
    )
    assert "\n- REGRESSION: gen" in page
    main(["compare", "good", "weak", FAIL, store, "--draws=400", "--format=csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 10
    worse = [(row["metric"], row["kind"]) for row in rows if row["outcome"] == "REGRESSION"]
    assert worse == [("gen", "erase"), ("gen", "update")]
    assert all(float(row["ci_high"]) < -0.02 for row in rows if row["outcome"] == "REGRESSION")


def test_mistakes_are_told_and_exit_2(store, capsys):
    assert main(["compare", "god", "weak", store]) == 2
    assert "no saved run 'god'." in capsys.readouterr().err
    assert main(["compare", "good", "weak", store, "--fail=gen:+1"]) == 2
    assert "of gen more is better" in capsys.readouterr().err


def test_it_needs_no_torch():
    program = "import sys, plugins.commands.compare; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
