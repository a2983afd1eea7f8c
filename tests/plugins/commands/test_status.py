import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.execution.status import Running, running
from plugins.commands import main


def write(store: Path, name: str, **changes: object) -> None:
    now = time.time()
    one = Running(
        label="gpt2 ig",
        total=9_000,
        done=3_000,
        before=1_000,
        since=now - 200,
        updated=now,
        pid=os.getpid(),
        host=socket.gethostname(),
    )
    (store / "running").mkdir(exist_ok=True)
    (store / "running" / f"{name}.json").write_text(json.dumps({**asdict(one), **changes}))


def test_rate_and_time_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a")
    assert main(["status", "--store", str(tmp_path)]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("gpt2 ig")
    assert all(part in line for part in ("3,000 of 9,000", "10.0", "10:00", "3:20", str(os.getpid())))


def test_processes_that_died_or_keep_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a", pid=2**22 + 1)  # beyond what Linux gives
    write(tmp_path, "b", host="elsewhere", updated=time.time() - 1_200, since=time.time() - 2_000)
    assert main(["status", "--store", str(tmp_path)]) == 0
    silent, dead = capsys.readouterr().out.splitlines()[-2:]
    assert "has ended before it was done; the same command resumes" in dead
    assert "silent for 20:0" in silent


def test_nothing_and_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "nothing is localized\n"
    assert main(["status", "--store", str(tmp_path / "gone")]) == 2
    assert "there is no store here" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "processes"),
    [
        (["-m", "pytest", "kntests", "-n2", "-m", "statistical", "-p", "no:cacheprovider", "--model=tiny-llama"], 2),
        (["-m", "plugins.commands", "localize", "--engine=ray", "--ray-address=local", "--ray-actors=2"], 1),
    ],
    ids=["xdist", "ray"],
)
def test_what_other_processes_localize_is_seen_meanwhile(
    command: list[str], processes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under xdist every process tells of its model; on Ray the one that was started tells of all actors' work."""
    if "--engine=ray" in command:
        pytest.importorskip("ray")
    words = ["--model=tiny-gpt2", "--device=cpu", "--quadrature=gauss-legendre:4", f"--store={tmp_path}"]
    process = subprocess.Popen(
        [sys.executable, *command, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        start_new_session=True,
    )
    deadline, found = time.monotonic() + 240, list[Running]()
    try:
        while len(found) < processes or any(one.rate is None for one in found):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
            found = running(tmp_path)
        assert main(["status", "--store", str(tmp_path)]) == 0
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    shown = capsys.readouterr().out
    models = [word.partition("=")[2] for word in (*command, *words) if word.startswith("--model=")]
    assert {one.label for one in found} == {f"{model} ig" for model in models}
    assert len({one.pid for one in found}) == processes
    assert all(one.label in shown and f"{one.total:,}" in shown for one in found)
