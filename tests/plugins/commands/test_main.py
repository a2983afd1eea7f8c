import subprocess
import sys
from pathlib import Path

import pytest

from harness.data.sources import EMBEDDED_FOLDER
from harness.errors import DataError
from plugins.commands import COMMANDS, check_data, main

REPOSITORY = Path(__file__).parents[3]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("words", [[], ["sow"], ["fetch"], ["fetch", "trex"], ["check-data"]])
def test_what_is_not_asked_rightly_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: kntests" in capsys.readouterr().err


KEPT = "what was finished is kept, the same command resumes"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (DataError("no such thing"), 2, "kntests check-data: no such thing\n"),
        (
            KeyboardInterrupt(),
            130,
            f"kntests check-data: interrupted; {KEPT}: kntests check-data .\n",
        ),
    ],
)
def test_errors_are_told_without_a_traceback(
    error: BaseException,
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.setattr(check_data, "run", fail)
    assert main(["check-data", "."]) == status
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("words", [["check-data", str(EMBEDDED_FOLDER)], ["fetch", "pararel", "--offline"]])
def test_data_commands_import_no_torch(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNTESTS_HOME", str(tmp_path))
    script = (
        f"import sys\nfrom plugins.commands import main\nstatus = main({words!r})\n"
        "assert not {'torch', 'transformers', 'pytest'} & set(sys.modules)\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if words[0] == "check-data" else 2)


def test_a_reader_who_has_read_enough_sees_no_traceback() -> None:
    command = f"{sys.executable} -m plugins.commands check-data {EMBEDDED_FOLDER} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "")
