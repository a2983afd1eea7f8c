"""`kntests list`: a line a run, whatever is wrong with one of them."""

from dataclasses import replace

import pandas as pd

from harness.records import RunRecord
from harness.store.runs import save_run
from plugins.commands import main
from tests.reports.saved import MANIFEST, REPLICATION, ROW


def save(store, name, *claims, **manifest):
    record = RunRecord(manifest=replace(MANIFEST, **manifest), claims=claims)
    return save_run(store, name, record, pd.DataFrame({"fact_uid": ["a"]}))


def test_a_line_a_run(tmp_path, capsys):
    save(tmp_path, "first", ROW, ROW, REPLICATION)
    save(tmp_path, "second", smoke="built-in model tiny-gpt2", models={"tiny-gpt2": {}})
    assert main(["list", f"--store={tmp_path}"]) == 0
    header, _rule, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["run", "name", "saved", "(UTC)", "models", "verdicts", "not", "a", "result", "because"]
    assert first.split() == [
        *("1", "first", "2026-01-01", "00:00:00", "gpt2,", "mine", "2", "SUPPORTED,", "1", "REFUTED", "-"),
    ]
    assert second.endswith("built-in model tiny-gpt2")


def test_a_run_that_cannot_be_read_says_why_and_the_others_are_shown(tmp_path, capsys):
    save(tmp_path, "good", ROW)
    (save(tmp_path, "bad") / "run.json").write_text("{")
    assert main(["list", f"--store={tmp_path}"]) == 1
    _, _, good, bad = capsys.readouterr().out.splitlines()
    assert "1 SUPPORTED" in good
    assert "unreadable" in bad
    assert "not a run record" in bad


def test_an_empty_store(tmp_path, capsys):
    assert main(["list", f"--store={tmp_path}"]) == 0
    assert "no saved run" in capsys.readouterr().out
