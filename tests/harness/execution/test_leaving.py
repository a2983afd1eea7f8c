"""An interrupted process ends soon, with its status and with all that it had to say."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.descendants import descendants

FAKE = """
import sys, time, types
from harness.execution.leaving import leave_soon
ray = types.SimpleNamespace(is_initialized=lambda: {connected}, shutdown=lambda: time.sleep({seconds}))
sys.modules["ray"] = ray
leave_soon(130)
print("said", end="")
sys.exit(3)
"""


@pytest.mark.parametrize(
    ("connected", "seconds", "status"), [(True, 30, 130), (True, 0, 130), (False, 30, 3)], ids=["slow", "quick", "none"]
)
def test_ray_is_given_a_moment_only(connected: bool, seconds: int, status: int) -> None:
    started = time.monotonic()
    code = FAKE.format(connected=connected, seconds=seconds)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, "said")
    assert time.monotonic() - started < 20


def actors(processes: dict[int, str]) -> int:
    return sum(name.startswith("ray::_Remote") for name in processes.values())


@pytest.mark.slow
def test_ctrl_c_on_ray_ends_within_three_seconds_and_leaves_no_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    words = ["localize", "--model=tiny-gpt2", "--limit=100", "--quadrature=gauss-legendre:2", "--device=cpu"]
    words += ["--engine=ray", "--ray-actors=2", "--ray-address=local", f"--store={tmp_path}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "plugins.commands", *words],
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs something in the background lets it, and all that it starts, ignore the interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline, of_ray = time.monotonic() + 240, dict[int, str]()
    while actors(of_ray) < 2 or not list(tmp_path.rglob("shard-*.parquet")):  # one may start long before the other
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, (process.kill(), process.communicate()[1])
        time.sleep(0.1)
        of_ray = descendants(process.pid)
    started = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    status = process.wait(timeout=60)
    seconds = time.monotonic() - started
    said = process.communicate()[1]
    assert status == 130
    assert "interrupted; what was finished is kept, the same command resumes" in said
    assert seconds < 3
    while time.monotonic() < started + 15 and any(Path(f"/proc/{number}").exists() for number in of_ray):
        time.sleep(0.2)
    assert [name for number, name in of_ray.items() if Path(f"/proc/{number}").exists()] == []
