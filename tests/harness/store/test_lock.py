"""A lock between processes, which a crash gives back."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store.lock import alone

HOLD = """
import sys, time
from pathlib import Path
from harness.store.lock import alone
with alone(Path(sys.argv[1]), lambda: None):
    print("inside", flush=True)
    time.sleep(60)
"""
PASS = """
import sys
from pathlib import Path
from harness.store.lock import alone
with alone(Path(sys.argv[1]), lambda: print("waiting", flush=True)):
    print("inside", flush=True)
"""


def start(script: str, path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_waits_until_the_holder_is_gone_however_it_goes(tmp_path: Path, end: int) -> None:
    holder = start(HOLD, tmp_path / "lock")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "inside\n"
    second = start(PASS, tmp_path / "lock")
    assert second.stdout is not None
    assert second.stdout.readline() == "waiting\n"
    assert second.poll() is None
    os.kill(holder.pid, end)
    assert second.communicate(timeout=30)[0] == "inside\n"
    holder.communicate()


def test_a_free_lock_is_not_waited_for_and_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with alone(tmp_path / "lock", lambda: pytest.fail("waits for nobody")):
            pass


def test_an_error_inside_gives_it_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), alone(tmp_path / "lock", lambda: None):
        raise ZeroDivisionError
    assert start(PASS, tmp_path / "lock").communicate(timeout=30)[0] == "inside\n"


def test_where_nothing_can_be_written_everybody_may_read(tmp_path: Path) -> None:
    entered = False
    with alone(tmp_path / "missing" / "lock", lambda: None):
        entered = True
    assert entered
