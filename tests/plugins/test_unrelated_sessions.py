"""A session without the benchmark pays nothing for it and hears nothing of it."""

import pytest

IMPORTS = """
import sys

def test_nothing_heavy_is_imported():
    heavy = {"torch", "transformers", "scipy", "pandas", "rich"} & set(sys.modules)
    assert not heavy
"""
CONTROLLER = """
import sys

def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        heavy = {"torch", "transformers", "scipy", "pandas", "rich"} & set(sys.modules)
        scheduler = config.pluginmanager.getplugin("dsession").sched
        print(f"scheduled by {type(scheduler).__name__}, heavy: {heavy}")
"""


def test_unrelated_session_imports_nothing_heavy_and_prints_nothing(bench):
    bench.write("other/test_other.py", IMPORTS)
    result = bench.fresh("other")
    assert result.parseoutcomes() == {"passed": 1}
    for word in ("*prevalence*", "*Localizer*", "*saved*", "*smoke*", "*kntests*"):
        result.stdout.no_fnmatch_line(word)
    assert not (bench.path / ".kntests").exists()


def test_unrelated_session_in_several_processes_is_scheduled_as_ever_and_imports_nothing_heavy(bench):
    bench.write("other/test_other.py", IMPORTS + "    assert 'plugins.scheduling' not in sys.modules\n")
    bench.write("other/conftest.py", CONTROLLER)
    result = bench.fresh("-p", "xdist", "-n2", "other")
    assert result.parseoutcomes() == {"passed": 1}
    result.stdout.fnmatch_lines(["scheduled by LoadScheduling, heavy: set()"])
    for word in ("*models loaded*", "*Localizer*", "*saved*", "*kntests*"):
        result.stdout.no_fnmatch_line(word)


@pytest.mark.slow
def test_benchmark_without_xdist_does_not_import_it(bench):
    bench.write("kntests/test_imports.py", "import sys\n\ndef test_none(): assert 'xdist' not in sys.modules\n")
    assert bench.fresh("kntests", "-p", "no:xdist", "--threshold=otsu").parseoutcomes() == {"passed": 2}


def test_options_module_imports_only_pytest_and_the_standard_library(bench):
    script = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import plugins.options\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - {'plugins'}\n"
        "assert new <= set(sys.stdlib_module_names), new\n"
    )
    assert bench.pytester.runpython_c(script).ret == 0


def test_names_of_the_axes_stay_free_for_other_tests(bench):
    bench.write(
        "other/test_other.py",
        "import pytest\n\n@pytest.mark.parametrize('model', [1, 2])\ndef test_other(model): assert model\n",
    )
    assert bench.pytester.runpytest_inprocess("other", "kntests", "--threshold=otsu").parseoutcomes() == {"passed": 3}
