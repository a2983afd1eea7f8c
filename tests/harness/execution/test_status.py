import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.execution import status
from harness.execution.progress import Quiet
from harness.execution.status import Recorded, Running, running

ONE = Running(
    label="gpt2 ig", total=100, done=40, before=20, since=1_000.0, updated=1_010.0, pid=os.getpid(), host="elsewhere"
)


class Listening(Quiet):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def start(self, label: str, total: int, done: int) -> None:
        self.heard.append((label, total, done))

    def advance(self, queries: int) -> None:
        self.heard.append(queries)

    def stop(self) -> None:
        self.heard.append("stop")

    def wait(self, label: str) -> None:
        self.heard.append(f"wait {label}")


def test_a_localization_can_be_read_while_it_runs_and_is_gone_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "SECONDS_BETWEEN_WRITES", 0.0)
    listening = Listening()
    recorded = Recorded(listening, tmp_path)
    recorded.wait("gpt2 ig")
    assert running(tmp_path) == []
    recorded.start("gpt2 ig", 100, 20)
    (one,) = running(tmp_path)
    assert (one.label, one.total, one.done, one.pid, one.rate, one.dead) == (
        "gpt2 ig",
        100,
        20,
        os.getpid(),
        None,
        False,
    )
    recorded.advance(30)
    recorded.advance(10)
    (one,) = running(tmp_path)
    assert (one.done, one.before) == (60, 20)
    recorded.stop()
    assert running(tmp_path) == []
    assert listening.heard == ["wait gpt2 ig", ("gpt2 ig", 100, 20), 30, 10, "stop"]


def test_the_file_is_written_once_a_second(tmp_path: Path) -> None:
    recorded = Recorded(Quiet(), tmp_path)
    recorded.start("gpt2 ig", 100, 0)
    for _ in range(50):
        recorded.advance(1)
    assert running(tmp_path)[0].done < 50


def test_rate_and_time_left_count_what_is_new() -> None:
    assert ONE.rate == 2.0
    assert ONE.seconds_left(1_010.0) == 30.0
    assert ONE.seconds_left(1_020.0) == 20.0
    assert ONE.seconds_left(9_999.0) == 0.0
    assert replace(ONE, done=20).seconds_left(1_010.0) is None


def test_a_killed_process_is_known_to_be_dead_and_the_next_one_removes_its_file(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
sys.path[:0] = {sys.path!r}
from harness.execution.progress import Quiet
from harness.execution.status import Recorded
Recorded(Quiet(), Path({str(tmp_path)!r})).start("gpt2 ig", 100, 20)
print("started", flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    assert [one.dead for one in running(tmp_path)] == [False]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert [(one.pid, one.dead) for one in running(tmp_path)] == [(process.pid, True)]
    Recorded(Quiet(), tmp_path).start("llama ig", 10, 0)
    assert [(one.label, one.dead) for one in running(tmp_path)] == [("llama ig", False)]


def test_of_another_host_nobody_here_knows(tmp_path: Path) -> None:
    assert not replace(ONE, pid=2**22 + 1).dead


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"label": 3}', '"text"', json.dumps({**asdict(ONE), "pid": "1"})]
)
def test_a_foreign_file_is_passed_over(content: str, tmp_path: Path) -> None:
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / "a.json").write_text(content)
    (tmp_path / "running" / "b.json").write_text(json.dumps(asdict(ONE)))
    assert running(tmp_path) == [ONE]


def test_where_nothing_can_be_written_localization_goes_on(tmp_path: Path) -> None:
    (tmp_path / "running").write_text("a file where the folder should be")
    recorded = Recorded(Quiet(), tmp_path)
    recorded.start("gpt2 ig", 100, 20)
    recorded.advance(80)
    recorded.stop()
    assert running(tmp_path) == []
