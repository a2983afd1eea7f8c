"""What a session leaves behind: reports beside the run, JUnit properties, a page where CI shows one."""

import xml.etree.ElementTree as ET

import pytest

from plugins.step_summary import VARIABLE


@pytest.fixture(autouse=True)
def no_ci(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def written(bench):
    (folder,) = bench.path.glob(".kntests/runs/*")
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.parent != folder}


def properties(bench, *arguments):
    bench.run_one("--junitxml=junit.xml", *arguments)
    suite = ET.parse(bench.path / "junit.xml").getroot().find("testsuite")
    of_suite = suite.find("properties")
    of_case = suite.find("testcase").find("properties")
    return [{p.get("name"): p.get("value") for p in found or ()} for found in (of_suite, of_case)]


def test_a_page_is_written_unless_something_else_is_asked_for(bench):
    bench.run_one()
    assert written(bench) == {"tables/verdicts.md"}


def test_formats_are_those_of_the_option(bench):
    bench.run_one("--report=csv,latex")
    assert written(bench) == {"tables/claim-prevalence.csv", "tables/claim-prevalence.tex"}


def test_figures_are_drawn_if_asked_for(bench):
    bench.ini("kn_report = figures\n")
    bench.run_one()
    assert written(bench) == {"figures/forest.svg", "figures/forest.png", "figures/forest.csv"}


def test_an_unknown_format_is_told_before_anything_is_computed(bench):
    result = bench.run_one("--report=pdf")
    result.stderr.fnmatch_lines(["*--report cannot be 'pdf'. Known: all, csv, figures, html, latex, md."])
    assert not (bench.path / ".kntests").exists()


def test_a_report_that_cannot_be_written_fails_the_session_and_the_run_stays(bench, monkeypatch):
    def refuse(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("plugins.benchmark.write_reports", refuse)
    result = bench.run_one()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["saved in *", "This run's report could not be written: the disk is full"])
    assert bench.saved()["claims"]


def test_junit_has_verdict_estimate_interval_and_margin(bench):
    bench.claim(verdict="INCONCLUSIVE", expected="INCONCLUSIVE", extras={"curve": [0.5] * 100})
    suite, case = properties(bench)
    assert case == {
        "claim": "prevalence",
        "verdict": "INCONCLUSIVE",
        "expected_verdict": "INCONCLUSIVE",
        "estimate": "0.44",
        "ci_low": "0.4",
        "ci_high": "0.49",
        "margin": "0.25",
    }
    assert suite == {}


def test_junit_says_that_a_smoke_run_is_not_a_result(bench):
    suite, _ = properties(bench, "--limit=2")
    assert suite == {"smoke_run_not_a_result": "at most 2 facts a relation"}


def test_the_page_is_added_to_what_ci_shows(bench, monkeypatch):
    shown = bench.path / "summary.md"
    shown.write_text("before\n")
    monkeypatch.setenv(VARIABLE, str(shown))
    bench.run_one()
    (page,) = bench.path.glob(".kntests/runs/*/tables/verdicts.md")
    assert shown.read_text() == f"before\n{page.read_text()}\n"


def test_a_page_that_ci_would_refuse_is_named_instead(bench, monkeypatch):
    shown = bench.path / "summary.md"
    shown.write_text("x" * (1 << 20))
    monkeypatch.setenv(VARIABLE, str(shown))
    bench.run_one()
    assert "Too much for this page: .kntests/runs/0001_now" in shown.read_text()[1 << 20 :]


def test_without_such_ci_nothing_is_written(bench):
    before = set(bench.path.iterdir())
    bench.run_one()
    assert {path.name for path in set(bench.path.iterdir()) - before} <= {".kntests", "events.txt"}
