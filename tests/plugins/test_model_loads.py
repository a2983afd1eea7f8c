"""Every model is loaded once, and gone before the next one comes."""

import pytest

TWO_TESTS = """
import pytest
from tests.plugins.fakes import FakeClaim

def test_first(judge, threshold):
    judge(FakeClaim, threshold=threshold)

def test_second(judge, threshold):
    judge(FakeClaim, threshold=threshold)
"""
LEAK = """
from tests.plugins.fakes import tell

class Weights:
    alive = 0
    def __init__(self): Weights.alive += 1
    def __del__(self): Weights.alive -= 1

def test_breaks(model):
    tell(f"alive {Weights.alive}")
    weights = Weights()
    raise ValueError("breaks")
"""


def loads_and_releases(bench):
    lines = (bench.path / "events.txt").read_text().splitlines()
    return [line for line in lines if line.split()[0] in ("load", "release", "free")]


def test_two_models_two_localizers_two_thresholds_two_files(bench):
    bench.write("kntests/test_claims.py", TWO_TESTS)
    bench.write("kntests/deeper/test_more.py", TWO_TESTS)
    result = bench.run("--model=gpt2", "--model=llama3", "--localizer=ig,sig")
    assert result.parseoutcomes() == {"passed": 32}
    assert loads_and_releases(bench) == ["load gpt2", "release gpt2", "free", "load llama3", "release llama3", "free"]
    assert len(bench.events("judge")) == 32


@pytest.mark.slow
def test_model_of_a_failed_test_does_not_outlive_it(bench):
    bench.write("kntests/test_claims.py", LEAK)
    # In a process of its own, because pytester keeps the exceptions of a session inside this one.
    assert bench.fresh("kntests", "--model=gpt2", "--model=llama3").parseoutcomes() == {"failed": 2}
    assert bench.events("alive") == ["0", "0"]


def test_folders_of_one_name_are_two_models(bench):
    bench.run_one("--model=a/checkpoint", "--model=b/checkpoint", "--model=a/checkpoint")
    assert [row["model"] for row in bench.saved()["claims"]] == ["checkpoint", "checkpoint-2"]
