import json
from pathlib import Path

import pytest

from plugins.commands import main

PATTERNS = ("[X] is in [Y].", "[X] lies in [Y].", "[Y] holds [X].")


def write(folder: Path, relation: str, patterns: tuple[str, ...], n_facts: int) -> None:
    facts = [{"sub_label": f"s{i}", "obj_label": f"o{i}", "uuid": f"{relation}-{i}"} for i in range(n_facts)]
    for kind, lines in (("patterns", [{"pattern": text} for text in patterns]), ("facts", facts)):
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / f"{relation}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_what_a_folder_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "P1", PATTERNS, 1500)
    write(tmp_path, "P2", (*PATTERNS[:2], "[X] lies in [Y]"), 4)
    write(tmp_path, "P3", PATTERNS[1:], 7)
    assert main(["check-data", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert lines[2:5] == ["P1 1,500 2 of 3 3,000", "P2 4 3 of 3 12", "all 1,504 5 of 8 3,012"]
    assert "P3 (7 facts): 1 of its 2 patterns have the answer last, two are needed" in lines
    assert [line for line in lines if "holds" in line] == ["P1:3 [Y] holds [X].", "P3:2 [Y] holds [X]."]
    assert "P2:3 [X] lies in [Y] (as P2:2)" in lines
    assert shown.err == ""


def test_every_bad_line_is_printed_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "P1", ("[X] is [Y] or [Y].", *PATTERNS), 3)
    with (tmp_path / "facts" / "P1.jsonl").open("a") as file:
        file.write('{"sub_label": "s", "obj_label": "", "uuid": "u"}\n')
        file.write('{"sub_label": "s", "obj_label": "o", "uuid": "P1-0"}\n')
    assert main(["check-data", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    first, second, third, last = shown.err.splitlines()
    assert first.startswith(f"{tmp_path}/patterns/P1.jsonl, line 1: a pattern needs exactly one [Y]")
    assert second == f"{tmp_path}/facts/P1.jsonl, line 4: 'obj_label' should be a text that is not empty, got ''"
    assert third == f"{tmp_path}/facts/P1.jsonl, line 5: the uuid P1-0 was already used in P1.jsonl"
    assert last == f"3 problems in {tmp_path}; nothing of it was used"


def test_a_folder_without_a_usable_relation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "P1", PATTERNS[2:], 3)
    assert main(["check-data", str(tmp_path)]) == 1
    assert "no relation to work with (P1: 0 of its 1 patterns" in capsys.readouterr().err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-data", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err == f"kntests check-data: {tmp_path}/nowhere: no such folder\n"
