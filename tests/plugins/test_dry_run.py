"""--dry-run says what would be done, and does nothing."""

import pytest


def test_every_cell_is_shown_and_nothing_is_run(bench):
    result = bench.run("--dry-run", "--model=gpt2", "--model=llama3", "--localizer=ig,sig")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "gpt2 ig on embedded",
            "  facts      1,003 of 2 relations, 4,012 queries",
            "  relations  P36 3, P30 1000",
            "  skipped    relation P1: no pattern ends in its answer",
            "  unscored   2 queries: longer than the context",
            "  rows       5,000 with those of the retest; 4,000 of them in the store",
            "  time       about 1:02:05",
            "  memory     1.5 GiB",
            "  disk       977 KiB",
            "",
            "gpt2 sig on embedded",
            "  time       unknown: the localizer does not tell",
            "  memory     unknown",
            "llama3 ig on embedded",
        ]
    )
    assert bench.events("load") == bench.events("judge") == []
    assert not (bench.path / ".kntests").exists()


def test_no_process_is_started_for_it(bench):
    result = bench.fresh("-p", "xdist", "-n2", "kntests", "--dry-run")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*workers*")
    result.stdout.fnmatch_lines(["tiny-gpt2 ig on embedded"])


def test_ini_value(bench):
    bench.ini("kn_dry_run = true\n")
    bench.run().stdout.fnmatch_lines(["tiny-gpt2 ig on embedded"])


def test_error_is_told_as_any_other(bench, monkeypatch):
    def refuse(self, models, localizers):
        from harness.errors import DataError

        raise DataError("no facts here")

    monkeypatch.setattr("tests.plugins.fakes.FakeWorkspace.preview", refuse)
    result = bench.run("--dry-run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: no facts here"])


def test_what_cannot_be_collected_is_not_hidden(bench):
    bench.write("kntests/test_broken.py", "import nothing_of_that_name")
    assert bench.run("--dry-run").ret == pytest.ExitCode.INTERRUPTED
