"""Every session of the benchmark is saved: rows, command, table."""

import pytest


def test_run_holds_every_row_whatever_its_verdict(bench):
    bench.claim(verdict="REFUTED")
    bench.run("--save=mine", "--model=gpt2")
    saved = bench.saved()
    assert [(row["model"], row["threshold"], row["verdict"]) for row in saved["claims"]] == [
        ("gpt2", "static:0.1", "REFUTED"),
        ("gpt2", "otsu", "REFUTED"),
    ]
    assert saved["manifest"]["command"] == "pytest kntests -p no:cacheprovider --save=mine --model=gpt2"
    assert saved["manifest"]["seconds"] > 0
    assert (bench.path / ".kntests/runs/0001_mine").is_dir()


def test_table_lies_beside_the_run(bench):
    bench.run("--limit=2")
    (page,) = bench.path.glob(".kntests/runs/*/tables/verdicts.md")
    text = page.read_text()
    assert "| Model" in text
    assert "| SUPPORTED" in text
    assert "Smoke run, not a result" in text
    assert "because the test says so" in text


def test_session_without_rows_saves_nothing(bench):
    bench.claim(error="no GPU memory")
    bench.run()
    assert not (bench.path / ".kntests").exists()


def test_run_that_cannot_be_saved_fails_the_session(bench, monkeypatch):
    def refuse(self, rows, **more):
        raise OSError("the disk is full")

    monkeypatch.setattr("tests.plugins.fakes.FakeWorkspace.save_run", refuse)
    result = bench.run_one()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*SUPPORTED*", "This run could not be saved: the disk is full"])
