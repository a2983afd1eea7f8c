import subprocess
import sys
from pathlib import Path

import pytest

from harness.execution.leases import lease_gpu, visible_gpus

HOLDER = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from harness.execution.leases import lease_gpu
lease = lease_gpu(Path({folder!r}), ["2", "5"])
print(lease.gpu, flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> "subprocess.Popen[str]":
    script = HOLDER.format(path=sys.path, folder=str(folder))
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def gpu_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        process.kill()
        process.communicate()


def test_every_process_has_a_gpu_of_its_own_and_that_of_a_crashed_one_is_free(tmp_path: Path) -> None:
    first, second = holder(tmp_path), None
    try:
        assert gpu_of(first) == "2"
        second = holder(tmp_path)
        assert gpu_of(second) == "5"
        ended(first)  # kill -9
        first = holder(tmp_path)
        assert gpu_of(first) == "2"
    finally:
        ended(first, *([second] if second else []))


def test_more_processes_than_gpus_share_them_evenly(tmp_path: Path) -> None:
    leases = [lease_gpu(tmp_path / "new", ["0", "1"]) for _ in range(5)]
    assert [lease.gpu for lease in leases] == ["0", "1", "0", "1", "0"]
    leases[1].lock.release()
    assert lease_gpu(tmp_path / "new", ["0", "1"]).gpu == "1"


@pytest.mark.parametrize(
    ("listed", "n", "expected"),
    [
        (None, 3, ("0", "1", "2")),
        ("4,6", 2, ("4", "6")),
        ("GPU-8932f937, GPU-a1", 2, ("GPU-8932f937", "GPU-a1")),
        ("3,-1,2", 1, ("3",)),  # CUDA sees nothing behind an entry that is none
        ("", 0, ()),
        (None, 0, ()),
    ],
)
def test_names_of_what_is_visible(listed: str | None, n: int, expected: tuple[str, ...]) -> None:
    assert visible_gpus(listed, n) == expected
