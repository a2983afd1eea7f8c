"""An error of the harness is shown as its text; it is a failure or an error, never a verdict. Ctrl-C loses nothing."""

import pytest


def test_error_in_a_test_is_its_text(bench):
    bench.claim(error="data folder is empty; give --data another one")
    result = bench.run_one("-v")
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["*test_claim* FAILED*", "HarnessError: data folder is empty; give --data another one"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*fixtures.py*")
    result.stdout.no_fnmatch_line("*Localizer *")


def test_error_in_a_fixture_is_its_text(bench):
    bench.write(
        "kntests/test_claims.py",
        "import pytest\nfrom harness.errors import HarnessError\n\n"
        "@pytest.fixture\ndef broken(): raise HarnessError('say what to do')\n\ndef test_x(broken): pass\n",
    )
    result = bench.run()
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["HarnessError: say what to do"])
    result.stdout.no_fnmatch_line("*def broken*")


def test_interrupted_session_says_that_the_same_command_resumes(bench):
    bench.claim(error="interrupt")
    result = bench.fresh("kntests", "--store=mine")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["Interrupted. What was localized is kept in mine; the same command resumes: pytest *kntests --store=mine"]
    )
    assert not (bench.path / "mine/runs").exists()
