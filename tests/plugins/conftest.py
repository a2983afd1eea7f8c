"""A benchmark in a folder of its own: our plugin, a harness without models, and the claims that a test wants."""

import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]

# pytester forgets what a session inside this one imports. What is imported here stays: numpy must not be imported
# twice, and the rest need not be.
for name in (
    "numpy",
    "plugins.activation",
    "plugins.commands.sensitivity",
    "plugins.commands.show",
    "reports.gate.differences",
    "tests.plugins.fakes",
):
    importlib.import_module(name)

MODEL = "kn_model = tiny-gpt2\n"
INI = f"""
[pytest]
addopts = -p plugins.options --strict-markers --import-mode=importlib
{MODEL}"""
ROOT_CONFTEST = """
pytest_plugins = ["plugins.run_log", "plugins.verdicts", "plugins.summary"]
"""
KNTESTS_CONFTEST = """
from plugins.benchmark import activate
from plugins.fixtures import benchmark_session, judge, model
from plugins.parametrization import pytest_generate_tests
from tests.plugins.fakes import FakeBackend

def pytest_configure(config):
    activate(config, FakeBackend())
"""
ONE_CLAIM = """
import pytest
from tests.plugins.fakes import FakeClaim

@pytest.mark.statistical
def test_claim(judge, threshold):
    judge(FakeClaim, threshold=threshold)
"""


class Bench:
    """The folder, and pytest run in it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        pytester.makeini(INI)
        pytester.makeconftest(ROOT_CONFTEST)
        self.write("kntests/conftest.py", KNTESTS_CONFTEST)
        self.write("kntests/test_claims.py", ONE_CLAIM)

    def write(self, name: str, text: str) -> Path:
        """Writes a file into the folder."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def claim(self, **choices: object) -> None:
        """Makes the benchmark one claim that decides as told."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in choices.items())
        self.write(
            "kntests/test_claims.py", ONE_CLAIM.replace("threshold=threshold", f"threshold=threshold, {arguments}")
        )

    def ini(self, text: str) -> None:
        """Adds lines to the ini file; another model takes the place of the one that is there."""
        self.write("tox.ini", (INI.replace(MODEL, "") if "kn_model" in text else INI) + text)

    def run(self, *arguments: str) -> pytest.RunResult:
        """Runs the benchmark in this process."""
        return self.pytester.runpytest_inprocess("kntests", "-p", "no:cacheprovider", *arguments)

    def run_one(self, *arguments: str) -> pytest.RunResult:
        """Runs one cell of the benchmark in this process."""
        return self.run("--threshold=otsu", *arguments)

    def fresh(self, *arguments: str) -> pytest.RunResult:
        """Runs pytest in a new process."""
        return self.pytester.runpytest_subprocess(*arguments)

    def events(self, kind: str) -> list[str]:
        """What the fake harness was asked for."""
        path = self.path / "events.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.partition(" ")[2] for line in lines if line.partition(" ")[0] == kind]

    def saved(self) -> dict[str, Any]:
        """The saved run."""
        (path,) = self.path.glob(".kntests/runs/*/run.json")
        return json.loads(path.read_text())


@pytest.fixture
def bench(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A benchmark whose only claim is supported."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY), prepend=os.pathsep)
    monkeypatch.setenv("COLUMNS", "200")
    # Other people's plugins have no part in this and cost most of the time.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Bench(pytester)
