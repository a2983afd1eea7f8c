"""A check finds all that is wrong, by the same rules by which a dataset is read."""

import json
from pathlib import Path

import pytest

from harness.data.check import check_folder
from harness.data.folder import load_folder
from harness.data.sources import EMBEDDED_FOLDER
from harness.errors import DataError
from tests.shared_data import needs_shared


def write(folder: Path, kind: str, relation: str, *lines: str) -> Path:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    path = folder / kind / f"{relation}.jsonl"
    path.write_text("\n".join(lines))
    return path


def pattern(text: object) -> str:
    return json.dumps({"pattern": text})


def fact(uid: object, subject: object = "s", obj: object = "o") -> str:
    return json.dumps({"uuid": uid, "sub_label": subject, "obj_label": obj})


GOOD_PATTERNS = (pattern("[X] is in [Y]."), pattern("[X] lies in [Y]."))


def test_every_bad_line_of_every_file_is_found(tmp_path: Path) -> None:
    patterns = write(
        tmp_path, "patterns", "P1", *GOOD_PATTERNS, pattern("[X] is [Y] or [Y]."), pattern("in [Y]."), pattern("")
    )
    facts = write(
        tmp_path, "facts", "P1", fact("a"), fact("a"), "", "{", "[]", fact("b", obj=""), fact("c", subject=3), fact("")
    )
    write(tmp_path, "patterns", "P2", pattern("[Y] holds [X]."))
    skipped = write(tmp_path, "facts", "P2", fact("d"), fact("a"))
    binary = tmp_path / "facts" / "P3.jsonl"
    binary.write_bytes(b"\xff\xfe")
    check = check_folder(tmp_path)
    assert check.dataset is None
    assert [(problem.path, problem.line) for problem in check.problems] == [
        *((patterns, line) for line in (3, 4, 5)),
        *((facts, line) for line in (2, 4, 5, 6, 7, 8)),
        (skipped, 2),
        (binary, None),
    ]
    assert check.n_facts == {"P1": 1, "P2": 1, "P3": 0}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("patterns", pattern("[X] is [Y] or [Y].")),
        ("patterns", pattern("it is [Y].")),
        ("patterns", pattern("[X] and [X] are [Y].")),
        ("patterns", pattern("[X] is.")),
        ("patterns", pattern(None)),
        ("patterns", "{}"),
        ("facts", fact("u", obj="")),
        ("facts", fact("u", obj=" ")),
        ("facts", fact("u", subject="")),
        ("facts", fact("u", subject=None)),
        ("facts", fact("", subject="s")),
        ("facts", fact("first")),
        ("facts", '"text"'),
        ("facts", '{"uuid": '),
    ],
)
def test_reading_stops_at_the_line_that_the_check_finds(tmp_path: Path, kind: str, line: str) -> None:
    files = {
        "patterns": write(tmp_path, "patterns", "P1", *GOOD_PATTERNS),
        "facts": write(tmp_path, "facts", "P1", fact("first"), fact("second")),
    }
    files[kind].write_text(files[kind].read_text() + "\n" + line)
    (found,) = check_folder(tmp_path).problems
    with pytest.raises(DataError) as caught:
        load_folder(tmp_path)
    assert (str(found), found.path, found.line) == (str(caught.value), caught.value.path, caught.value.line)
    assert found.line == 3


def test_no_relation_left_is_a_problem_too(tmp_path: Path) -> None:
    write(tmp_path, "patterns", "P1", pattern("[Y] holds [X]."), pattern("[X] is in [Y]."))
    write(tmp_path, "facts", "P1", fact("a"))
    check = check_folder(tmp_path)
    assert check.dataset is None
    assert "P1: 1 of its 2 patterns have the answer last, two are needed" in str(check.problems[0])


def test_what_is_not_used_is_kept_apart(tmp_path: Path) -> None:
    write(tmp_path, "patterns", "P1", *GOOD_PATTERNS, pattern("[Y] holds [X]."))
    write(tmp_path, "facts", "P1", fact("a"))
    check = check_folder(tmp_path)
    assert check.dataset == load_folder(tmp_path)
    assert [(unusable.id, unusable.text) for unusable in check.unusable_patterns] == [("P1:3", "[Y] holds [X].")]


def test_patterns_that_ask_the_same_are_named(tmp_path: Path) -> None:
    write(tmp_path, "patterns", "P1", *GOOD_PATTERNS, pattern("[X] is in [Y] ."), pattern("[X]  is in [Y]."))
    write(tmp_path, "patterns", "P2", *GOOD_PATTERNS)
    write(tmp_path, "facts", "P1", fact("a"))
    check = check_folder(tmp_path)
    assert [(repeated.id, earlier.id) for repeated, earlier in check.repeated_patterns] == [("P1:3", "P1:1")]
    assert check.dataset is not None


def test_a_uuid_in_two_relations_is_told_by_both(tmp_path: Path) -> None:
    for relation in ("P1", "P2"):
        write(tmp_path, "patterns", relation, *GOOD_PATTERNS)
        write(tmp_path, "facts", relation, fact(f"{relation}-own"), fact("shared"))
    (found,) = check_folder(tmp_path).problems
    with pytest.raises(DataError, match=r"P2.jsonl, line 2: the uuid shared was already used in P1.jsonl") as caught:
        load_folder(tmp_path)
    assert str(found) == str(caught.value)


def test_folders_that_are_none(tmp_path: Path) -> None:
    for folder, message in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "not a data folder: it should hold")):
        with pytest.raises(DataError, match=message):
            check_folder(folder)


def test_the_embedded_corpus_has_no_problem() -> None:
    check = check_folder(EMBEDDED_FOLDER)
    assert check.dataset is not None
    assert check.problems == check.unusable_patterns == check.repeated_patterns == ()


@needs_shared("data/pararel")
def test_pararel_has_no_problem(shared: Path) -> None:
    check = check_folder(shared / "data/pararel")
    assert check.problems == check.repeated_patterns == ()
    assert len(check.unusable_patterns) == 329 - 214
    assert sum(check.n_facts.values()) == 29_411
