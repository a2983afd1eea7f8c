"""`--model ./folder` never makes pytest run what lies in that folder."""

import subprocess
import sys

import pytest

from tests.plugins.conftest import REPOSITORY

HOSTILE = "import pathlib\npathlib.Path(__file__).with_name('executed').touch()\n"


@pytest.fixture
def hostile(bench):
    bench.write("evil/conftest.py", HOSTILE)
    bench.write("evil/test_evil.py", HOSTILE)
    return bench.path / "evil"


@pytest.mark.parametrize("arguments", [["--model", "./evil"], ["--model=./evil"]])
@pytest.mark.parametrize("paths", [["kntests"], pytest.param([], marks=pytest.mark.slow)])
def test_conftest_in_a_model_folder_is_not_executed(bench, hostile, arguments, paths):
    bench.ini("testpaths = kntests\n")
    result = bench.fresh(*paths, *arguments, "--threshold=otsu")
    assert result.parseoutcomes() == {"passed": 1}
    assert not (hostile / "executed").exists()
    assert bench.saved()["claims"][0]["model"] == "evil"


@pytest.mark.parametrize("arguments", [["--model", "{}"], ["--model={}"], ["--data", "{}"], ["--store", "{}"]])
def test_this_repository_registers_its_options_early_enough(hostile, arguments):
    command = [sys.executable, "-m", "pytest", *(text.format(hostile) for text in arguments), "--markers"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "@pytest.mark.statistical" in done.stdout
    assert not (hostile / "executed").exists()


@pytest.mark.slow
def test_registered_by_a_conftest_the_options_would_come_too_late(bench, hostile):
    # The danger is real: this is what the two tests above protect from.
    bench.write("tox.ini", "[pytest]\n")
    bench.write("conftest.py", "from plugins.options import pytest_addoption\n")
    bench.fresh("--model", "./evil", "--collect-only")
    assert (hostile / "executed").exists()
