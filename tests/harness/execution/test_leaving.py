"""An interrupted process ends soon, with its status and with all that it had to say."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.execution.leaving import ending_when_interrupted
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


BUSY = """
import hashlib
from harness.execution.leaving import ending_when_interrupted
with ending_when_interrupted(130, lambda: print("said", flush=True)):
    print("busy", flush=True)
    hashlib.{work}
print("went on", flush=True)
"""


@pytest.mark.parametrize(
    ("work", "said", "status"),
    [
        ('pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)', "said\n", 130),  # one operation of many minutes
        ("sha256(__import__('time').sleep(600))", "", -signal.SIGINT),  # which Python interrupts by itself
    ],
    ids=["deaf", "not deaf"],
)
def test_an_interrupt_ends_a_process_that_does_not_hear_of_it(work: str, said: str, status: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY.format(work=work)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "busy\n"
    started = time.monotonic()
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[0] == said
    assert time.monotonic() - started < 3.2
    assert process.returncode == status


def test_without_an_interrupt_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.execution.leaving.GRACE", 0.0)
    for _ in range(3):
        with ending_when_interrupted(130, lambda: pytest.fail("nobody interrupted")):
            os.kill(os.getpid(), signal.SIGWINCH)
    assert signal.set_wakeup_fd(-1) == -1


def actors(processes: dict[int, str]) -> int:
    return sum(name.startswith("ray::_Remote") for name in processes.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "plugins.commands", "localize"],
        ["-m", "pytest", "kntests", "-m", "statistical", "-p", "no:cacheprovider"],
    ],
    ids=["kntests", "pytest"],
)
def test_ctrl_c_ends_within_three_seconds_and_says_how_to_go_on(command: list[str], tmp_path: Path) -> None:
    words = ["--model=tiny-gpt2", "--device=cpu", f"--store={tmp_path}", "--batch-size=64"]
    process = subprocess.Popen(
        [sys.executable, *command, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("shard-*.parquet")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, (process.kill(), process.communicate()[0])
        time.sleep(0.05)
    started = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert time.monotonic() - started < 3
    assert process.returncode == {"plugins.commands": 130, "pytest": pytest.ExitCode.INTERRUPTED}[command[1]]
    again = {"plugins.commands": ["kntests"], "pytest": ["pytest"]}[command[1]] + [*command[2:], *words]
    assert f"the same command resumes: {' '.join(again)}" in said
    assert not list(tmp_path.rglob(".*.tmp"))


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
