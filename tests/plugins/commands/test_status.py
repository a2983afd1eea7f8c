import json
import os
import socket
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.execution.status import Running
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
