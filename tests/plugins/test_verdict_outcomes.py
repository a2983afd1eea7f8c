"""Each verdict becomes the outcome, letter, word and exit status that a user relies on."""

import pytest

# verdict, --fail-on, exit status, counted as, word at the end of the verbose line
TABLE = [
    ("SUPPORTED", "refuted", 0, {"passed": 1}, "SUPPORTED"),
    ("REFUTED", "refuted", 1, {"failed": 1}, "REFUTED"),
    ("VOID", "refuted", 1, {"failed": 1}, "VOID"),
    ("INCONCLUSIVE", "refuted", 0, {"inconclusive": 1}, "INCONCLUSIVE"),
    ("NOT_APPLICABLE", "refuted", 0, {"skipped": 1}, "NOT_APPLICABLE"),
    ("SUPPORTED", "inconclusive", 0, {"passed": 1}, "SUPPORTED"),
    ("REFUTED", "inconclusive", 1, {"failed": 1}, "REFUTED"),
    ("VOID", "inconclusive", 1, {"failed": 1}, "VOID"),
    ("INCONCLUSIVE", "inconclusive", 1, {"failed": 1}, "INCONCLUSIVE"),
    ("REFUTED", "never", 0, {"refuted": 1}, "REFUTED"),
    ("VOID", "never", 0, {"void": 1}, "VOID"),
    ("INCONCLUSIVE", "never", 0, {"inconclusive": 1}, "INCONCLUSIVE"),
    ("NOT_APPLICABLE", "inconclusive", 0, {"skipped": 1}, "NOT_APPLICABLE"),
]


@pytest.mark.parametrize(("verdict", "fail_on", "status", "counted", "word"), TABLE)
def test_verdict_decides_outcome(bench, verdict, fail_on, status, counted, word):
    bench.claim(verdict=verdict)
    result = bench.run_one("-v", f"--fail-on={fail_on}")
    assert result.ret == status
    assert result.parseoutcomes() == counted
    result.stdout.fnmatch_lines([f"*test_claim[[]*[]] {word} *"])


@pytest.mark.parametrize(
    ("verdict", "letter"),
    [("SUPPORTED", "S"), ("REFUTED", "R"), ("VOID", "V"), ("INCONCLUSIVE", "I"), ("NOT_APPLICABLE", "N")],
)
def test_every_verdict_has_its_letter(bench, verdict, letter):
    bench.claim(verdict=verdict)
    bench.run_one().stdout.fnmatch_lines([f"kntests/test_claims.py {letter} *"])


def test_refutation_is_explained_in_a_few_lines_without_a_traceback(bench):
    bench.claim(verdict="REFUTED", reason="the share is 0.10, below the margin")
    result = bench.run_one()
    result.stdout.fnmatch_lines(
        [
            "REFUTED: more than 25% of facts are inconsistent",
            "  model tiny-gpt2, localizer ig, threshold otsu",
            "  the share is 0.10, below the margin",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*fixtures.py*")
    result.stdout.fnmatch_lines(["REFUTED kntests/test_claims.py::test_claim*"])


def test_skip_gives_its_reason(bench):
    bench.claim(verdict="NOT_APPLICABLE", reason="ask for more facts")
    bench.run_one("-rs").stdout.fnmatch_lines(["NOT_APPLICABLE*kntests/test_claims.py:*: ask for more facts"])


@pytest.mark.parametrize("verdict", ["REFUTED", "VOID", "INCONCLUSIVE", "NOT_APPLICABLE"])
@pytest.mark.parametrize("fail_on", ["refuted", "inconclusive"])
def test_expected_verdict_passes_whatever_it_says(bench, verdict, fail_on):
    bench.claim(verdict=verdict, expected=verdict)
    result = bench.run_one("-v", f"--fail-on={fail_on}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [f"*test_claim[[]*[]] {verdict}, as expected *", f"*= 1 {verdict.lower()} as expected in*"]
    )


def test_expected_support_is_an_ordinary_pass(bench):
    bench.claim(verdict="SUPPORTED", expected="SUPPORTED")
    assert bench.run_one().parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize(("verdict", "expected"), [("SUPPORTED", "REFUTED"), ("NOT_APPLICABLE", "SUPPORTED")])
@pytest.mark.parametrize("fail_on", ["refuted", "never"])
def test_another_verdict_than_expected_fails_and_names_both(bench, verdict, expected, fail_on):
    bench.claim(verdict=verdict, expected=expected)
    result = bench.run_one("-v", f"--fail-on={fail_on}")
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(
        [f"*{verdict}, UNEXPECTED*", f"{verdict}, but tiny-gpt2 carries {expected} as its expected*"]
    )


def test_first_failing_verdict_stops_a_session_that_asks_for_it(bench):
    bench.claim(verdict="REFUTED")
    result = bench.run("-x")
    assert result.parseoutcomes() == {"failed": 1}
    assert len(bench.saved()["claims"]) == 1


def test_ordinary_failure_is_no_verdict(bench):
    bench.write("kntests/test_claims.py", "def test_broken(model, localizer):\n    assert 1 == 2\n")
    result = bench.run("-v")
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["*test_broken* FAILED*", "*assert 1 == 2*"])


def test_family_of_claims_is_chosen_by_marker(bench):
    assert bench.run("-m", "statistical").parseoutcomes() == {"passed": 2}
    assert bench.run("-m", "attention").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_cells_are_chosen_by_keyword(bench):
    assert bench.run("-k", "tiny-gpt2 and otsu").parseoutcomes() == {"passed": 1, "deselected": 1}


def test_ids_name_the_cell(bench):
    result = bench.run("--collect-only", "-q", "--model=gpt2", "--threshold=static:0.10,otsu")
    result.stdout.fnmatch_lines(
        [
            "kntests/test_claims.py::test_claim[[]model:gpt2-localizer:ig-threshold:static:0.1[]]",
            "kntests/test_claims.py::test_claim[[]model:gpt2-localizer:ig-threshold:otsu[]]",
        ]
    )
