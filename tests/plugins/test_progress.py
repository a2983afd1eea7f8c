"""Progress reaches the user past pytest's capture: lines in a log, a bar on a terminal."""

import os
import pty
import subprocess
import sys

import pytest

from plugins.progress import Lines

LOCALIZES = """
def test_localizes(benchmark_session):
    progress = benchmark_session.workspace.progress
    print("what the test prints")
    progress.wait("gpt2 ig")
    progress.start("gpt2 ig", 100, 40)
    progress.advance(30)
    progress.advance(30)
    progress.stop()
"""


@pytest.fixture
def localizing(bench):
    bench.write("kntests/test_claims.py", LOCALIZES)
    return bench


def test_log_gets_a_line_at_start_and_end(localizing):
    result = localizing.run()
    result.stdout.re_match_lines(
        [
            r"waiting for another process, which localizes gpt2 ig",
            r"localizing gpt2 ig: 100 queries, 40 of them in the store",
            r"localized gpt2 ig: 60 queries in 0:00",
        ],
    )
    result.stdout.no_fnmatch_line("*what the test prints*")
    result.stdout.no_fnmatch_line("*left*")


def test_quiet_session_gets_none(localizing):
    localizing.run("-q").stdout.no_fnmatch_line("*localizing*")


def test_capture_switched_off_changes_nothing(localizing):
    localizing.run("-s").stdout.fnmatch_lines(["*what the test prints", "localizing gpt2 ig*", "localized gpt2 ig*"])


class Recorder:
    """Stands for pytest's screen."""

    def __init__(self):
        self.lines = []

    def write_line(self, line):
        self.lines.append(line)


def test_line_every_15_seconds_with_rate_and_time_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("plugins.progress.time.monotonic", lambda: now[0])
    screen = Recorder()
    progress = Lines(screen)
    progress.start("gpt2 ig", 10_000, 4_000)
    for second in range(1, 41):
        now[0] = second
        progress.advance(2)
    progress.stop()
    assert screen.lines == [
        "localizing gpt2 ig: 10,000 queries, 4,000 of them in the store",
        "localizing gpt2 ig: 4,030 of 10,000 queries, 2.0 queries/s, 49:45 left",
        "localizing gpt2 ig: 4,060 of 10,000 queries, 2.0 queries/s, 49:30 left",
        "broke off gpt2 ig: 80 queries in 0:40",
    ]


def test_terminal_gets_a_bar_with_rate_and_time_left(localizing):
    text = on_a_terminal(localizing)
    assert "gpt2 ig" in text
    assert "100/100" in text
    assert "0:00 left" in text
    assert "queries/s" in text
    assert "what the test prints" not in text
    assert "\x1b[?25h" in text, "the cursor is shown again"
    assert "1 passed" in text


def on_a_terminal(bench):
    """The output of the benchmark when it runs on a terminal."""
    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}", "TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "pytest", "kntests"]
    with subprocess.Popen(command, cwd=bench.path, env=environment, stdout=slave, stderr=slave, stdin=slave) as process:
        os.close(slave)
        chunks = []
        while True:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # Linux's way of saying that the other end is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
        process.wait(30)
    os.close(master)
    return b"".join(chunks).decode()
