"""GPUs under xdist, with a torch that says how many there are."""

import pytest

pytestmark = pytest.mark.slow

CONFTEST = """
import os
import torch
from plugins.benchmark import activate
from plugins.gpus import Lender, process_count, take_gpu
from tests.plugins.fakes import FakeBackend, tell

torch.cuda.device_count = lambda: {gpus}

def pytest_configure(config):
    take_gpu(config)
    activate(config, FakeBackend())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lender(config), "kntests-gpus")

def pytest_xdist_auto_num_workers(config):
    count = process_count(config)
    tell(f"auto {{count}}")
    return count or 1

def pytest_runtest_logstart():
    if os.environ.get("PYTEST_XDIST_WORKER"):
        tell(f"sees {{os.environ['PYTEST_XDIST_WORKER']}} {{os.environ.get('CUDA_VISIBLE_DEVICES')}}")
"""
WHERE = """
import os
import pytest
from tests.plugins.fakes import tell

@pytest.mark.parametrize("number", range({n}))
def test_where(number):
    tell(f"on {{os.environ.get('CUDA_VISIBLE_DEVICES')}}")
    if {crash} and number == 0:
        tell(f"crash {{os.environ.get('CUDA_VISIBLE_DEVICES')}}")
        os._exit(1)
"""


@pytest.fixture(autouse=True)
def started_by_nobody(monkeypatch):
    """The process that starts the others must not take itself for one of those that test it."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


def seen(bench, *arguments: str, gpus: int, n: int = 4, crash: bool = False):
    """GPU of every process, by its name."""
    bench.write("kntests/conftest.py", CONFTEST.format(gpus=gpus))
    bench.write("kntests/test_claims.py", WHERE.format(n=n, crash=crash))
    bench.write("kntests/test_more.py", WHERE.format(n=n, crash=False))
    result = bench.fresh("-p", "xdist", "kntests", *arguments)
    pairs = {line.split()[0]: line.split()[1] for line in bench.events("sees")}
    return result, pairs


def test_auto_is_one_process_a_gpu_and_each_has_its_own(bench, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-6")
    result, pairs = seen(bench, "-nauto", gpus=2)
    assert result.ret == 0
    assert bench.events("auto") == ["2"]
    assert sorted(pairs) == ["gw0", "gw1"]
    assert sorted(pairs.values()) == ["4", "GPU-6"]


def test_the_process_after_a_crash_takes_the_free_gpu(bench, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    result, pairs = seen(bench, "-n2", gpus=2, crash=True)
    assert result.ret == 1
    assert "gw2" in pairs
    assert bench.events("crash") == [pairs["gw2"]]
    assert {pairs["gw0"], pairs["gw1"]} == {"0", "1"}


@pytest.mark.parametrize(
    ("arguments", "gpus", "expected"),
    [
        (("--device=cpu",), 2, "None"),
        (("--device=cuda:1",), 2, "None"),
        (("--device=cuda",), 3, "3"),
        (("--device-map=auto",), 2, "1"),
        ((), 0, "None"),
    ],
)
def test_what_auto_means(arguments, gpus, expected, bench):
    from plugins import gpus as module

    config = bench.pytester.parseconfig(*arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        patch.setattr(module.torch.cuda, "device_count", lambda: gpus)
        assert str(module.process_count(config)) == expected


def test_on_one_gpu_or_the_cpu_nothing_is_lent(bench, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    _, pairs = seen(bench, "-n2", gpus=1)
    assert set(pairs.values()) == {"7"}


def test_the_benchmark_answers_xdist(bench):
    """The hook where pytest looks for it, in the conftest.py of the benchmark itself."""
    import importlib.util
    from pathlib import Path

    path = Path(__file__).parents[2] / "kntests" / "conftest.py"
    spec = importlib.util.spec_from_file_location("benchmark_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = bench.pytester.parseconfig("--device=cpu")
    assert module.pytest_xdist_auto_num_workers(config) is None
