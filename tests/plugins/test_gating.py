"""`--compare` and `--compare-fail`: the run is held against an earlier one, and a regression fails the session."""

import pytest

from tests.reports.gate.simulated import Population

POPULATION = Population(relations=12, facts=20)
FAIL = "--compare-fail=gen:-0.02@p<0.05"


def session(bench, edits, *arguments):
    edits.assign(model="tiny-gpt2").to_csv(bench.path / "edits.csv", index=False)
    return bench.run_one("--draws=400", *arguments)


def test_a_regression_fails_the_session_and_is_named(bench):
    session(bench, POPULATION.edits(1), "--save=good")
    result = session(bench, POPULATION.edits(2, loss=0.3), "--save=weak", "--compare=good", FAIL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*compared with 0001_good*",
            "REGRESSION: gen of mine (erase) on tiny-gpt2 ig went from 0.* to 0.*90 % [[]-0.*p = 0.00* (limit gen:*)",
            "REGRESSION: gen of mine (update)*",
            "2 regressions, 0 improvements against 0001_good.",
        ]
    )
    page = next(bench.path.glob(".kntests/runs/*_weak/tables/comparison.md")).read_text()
    assert "- REGRESSION: gen of mine (erase)" in page


def test_an_improvement_passes_and_is_shown(bench):
    session(bench, POPULATION.edits(1, loss=0.3), "--save=same")
    result = session(bench, POPULATION.edits(2), "--save=next", "--compare=same", FAIL)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["improvement: gen of mine (erase)*", "0 regressions, 2 improvements against 0001_same."]
    )


def test_without_limits_nothing_fails(bench):
    session(bench, POPULATION.edits(1), "--save=good")
    result = session(bench, POPULATION.edits(2, loss=0.3), "--compare=good")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*compared with 0001_good*"])
    result.stdout.no_fnmatch_line("REGRESSION*")


def test_a_session_that_edits_nothing_cannot_be_compared(bench):
    session(bench, POPULATION.edits(1), "--save=good")
    (bench.path / "edits.csv").unlink()
    result = bench.run_one("--compare=good", FAIL)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["This run could not be compared with 0001_good: *this run edited nothing*"])


def test_a_reference_without_edits_is_a_usage_error(bench):
    bench.run_one("--save=bare")
    result = bench.run_one("--compare=bare")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *0001_bare: this run edited nothing*"])
