"""pytest-xdist: one load a model, and a run that is saved as if one process had made it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

TWO_TESTS = """
from tests.plugins.fakes import FakeClaim

def test_first(judge, threshold):
    judge(FakeClaim, threshold=threshold)

def test_second(judge, localizer):
    judge(FakeClaim, reason=f"second of {localizer.name}")
"""
WHERE = """
from tests.plugins.fakes import tell

def test_where(model, threshold, worker_id):
    tell(f"where {model.name} {worker_id}")
"""
OVER_MODELS = """
from tests.plugins.fakes import tell

def test_trend(benchmark_session):
    tell(f"trend {len(benchmark_session.models)}")
"""
CRASH = """
import os
from tests.plugins.fakes import FakeClaim, tell

def test_crash(model, threshold):
    if model.name == "gpt2" and threshold.name == "otsu":
        tell("crash")
        os._exit(1)

def test_after(judge):
    judge(FakeClaim)
"""
SLEEP = """
import time
from tests.plugins.fakes import FakeClaim, tell

def test_first(judge):
    judge(FakeClaim)

def test_sleep(judge):
    tell("asleep")
    time.sleep(60)
"""
TWO_MODELS = ("--model=gpt2", "--model=llama3")


def distributed(bench, *arguments):
    return bench.fresh("-p", "xdist", "-n2", "kntests", *arguments)


def without_time(run):
    """A saved run but for what two runs of the same never share."""
    manifest = {k: v for k, v in run["manifest"].items() if k not in ("created", "command", "seconds")}
    return {**run, "manifest": manifest}


@pytest.mark.slow
def test_summary_is_complete_when_tests_run_in_other_processes(bench):
    bench.claim(extras={"paper": {"r_consistent": 0.5}, "nested": [1, None, {"a": "\u2229"}]})
    result = distributed(bench, *TWO_MODELS)
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 4}
    assert result.stdout.str().count("SUPPORTED") == 4
    result.stdout.fnmatch_lines(["models loaded: gpt2 1, llama3 1", "saved in .kntests/runs/0001_now"])


def test_refutation_in_another_process_keeps_its_word_and_exit_status(bench):
    bench.claim(verdict="REFUTED")
    result = bench.fresh("-p", "xdist", "-n1", "kntests", "--threshold=otsu")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["REFUTED: more than*", "REFUTED kntests/test_claims.py::*"])


def test_saved_run_is_that_of_one_process_and_every_model_is_loaded_once(bench):
    bench.write("kntests/test_claims.py", TWO_TESTS)
    bench.write("kntests/deeper/test_more.py", TWO_TESTS)
    models = (*TWO_MODELS, "--model=a/gpt2-localizer:x", "--localizer=ig,sig")
    assert bench.fresh("kntests", "--store=serial", *models).ret == 0
    loads = sorted(bench.events("load"))
    assert loads == ["gpt2", "gpt2-localizer:x", "llama3"]
    (bench.path / "events.txt").unlink()
    assert distributed(bench, "--store=parallel", *models).ret == 0
    assert sorted(bench.events("load")) == loads
    serial, parallel = (
        json.loads((bench.path / store / "runs/0001_now/run.json").read_text()) for store in ("serial", "parallel")
    )
    assert len(serial["claims"]) == 3 * 2 * 2 * 3
    assert serial["manifest"]["models"]["llama3"] == {"localizers": ["ig", "sig"]}
    assert without_time(parallel) == without_time(serial)


@pytest.mark.slow
def test_every_model_has_a_process_of_its_own(bench):
    bench.write("kntests/test_claims.py", WHERE)
    bench.write("kntests/test_more.py", WHERE)
    assert distributed(bench, *TWO_MODELS).parseoutcomes() == {"passed": 8}
    places = set(bench.events("where"))
    assert len(places) == 2
    assert {place.split()[0] for place in places} == {"gpt2", "llama3"}
    assert {place.split()[1] for place in places} == {"gw0", "gw1"}


@pytest.mark.slow
def test_tests_without_a_model_stay_together_by_file(bench):
    bench.write("kntests/test_trend.py", OVER_MODELS)
    bench.write("other/test_other.py", "def test_other(): pass\n")
    assert distributed(bench, "other", *TWO_MODELS).parseoutcomes() == {"passed": 6}
    assert bench.events("trend") == ["2"]


@pytest.mark.slow
def test_another_mode_of_distribution_is_left_alone(bench):
    result = distributed(bench, "--dist=each", "--threshold=otsu")
    assert result.parseoutcomes() == {"passed": 2}
    result.stdout.fnmatch_lines(["models loaded: tiny-gpt2 2"])


@pytest.mark.slow
def test_crash_of_a_process_costs_one_test(bench):
    bench.write("kntests/test_claims.py", CRASH)
    result = distributed(bench, *TWO_MODELS)
    assert result.parseoutcomes() == {"passed": 5, "failed": 1}
    assert bench.events("crash") == [""]
    assert [row["model"] for row in bench.saved()["claims"]] == ["gpt2", "llama3"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to a process group")
def test_ctrl_c_says_that_nothing_finished_is_lost(bench):
    bench.write("kntests/test_claims.py", SLEEP)
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-n2", "kntests", *TWO_MODELS]
    process = subprocess.Popen(
        command,
        cwd=bench.path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs something in the background lets it, and all that it starts, ignore the interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while len(bench.events("asleep")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    again = "pytest -p xdist -n2 kntests --model=gpt2 --model=llama3"
    assert f"Interrupted. What was localized is kept in .kntests; the same command resumes: {again}" in output
    assert "INTERNALERROR" not in output
    assert not (bench.path / ".kntests/runs").exists()
