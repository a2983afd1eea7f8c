from pathlib import Path

import pytest

from harness.data.download import HOME_VARIABLE
from plugins.commands import fetch, main
from tests.harness.data.loopback import served, status

CONTENTS = {"data/a.jsonl": b"one\n", "data/b.jsonl": b"two\n"}


def test_fetching_and_fetching_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with served(CONTENTS) as home:
        monkeypatch.setitem(fetch.DATA, "pararel", lambda: home.data("ParaRel"))
        assert main(["fetch", "pararel", "--offline"]) == 2
        assert "2 of its 2 files are missing" in capsys.readouterr().err
        assert main(["fetch", "pararel"]) == 0
        first = capsys.readouterr()
        assert main(["fetch", "pararel"]) == 0
        assert sum(home.asked.values()) == 2
    again = capsys.readouterr()
    assert "2 files, 0.0 MB, 2 of them fetched now" in first.out
    assert "0 of them fetched now" in again.out
    assert first.err == again.err == ""  # a bar is for terminals
    folder = Path(again.out.splitlines()[-1])
    assert folder == tmp_path / "pararel" / "c0ffee"
    assert {path: (folder / path).read_bytes() for path in CONTENTS} == CONTENTS


def test_a_mirror_that_lacks_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with served(CONTENTS) as home:
        home.for_ever = True
        home.misbehave["data/a.jsonl"] = [status(404)]
        monkeypatch.setitem(fetch.DATA, "pararel", lambda: home.data("ParaRel"))
        assert main(["fetch", "pararel", f"--mirror={home.url}"]) == 2
        told = capsys.readouterr().err
    assert told.startswith(
        f"kntests fetch: ParaRel could not be fetched. {home.url}data/a.jsonl: the server answers 404"
    )
    assert told.count("\n") == 1
