"""The lines of a data folder, one by one: what a line has to be, and a word for every one that is not.

Whoever reads says what happens with a bad line: it ends the reading (`give_up`), or it is kept (`problems.append`) and
the reading goes on with the next.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from harness.data.facts import ANSWER, SUBJECT, Fact, Pattern
from harness.errors import DataError
from harness.json_text import NotJsonError, parse_json
from harness.paths import existing_folder

OnProblem = Callable[[DataError], None]
"""Takes what is wrong with a line or a file."""

LAYOUTS = (
    ("patterns", "facts"),
    ("pattern_data/graphs_json", "trex_lms_vocab"),
    ("data/pattern_data/graphs_json", "data/trex_lms_vocab"),
)
"""Folders of patterns and of facts: the short layout, and ParaRel's own, in the folder or in its `data`."""


def give_up(problem: DataError) -> None:
    """Ends the reading.

    Raises:
        DataError: the problem.
    """
    raise problem


def find_layout(folder: Path) -> tuple[Path, Path]:
    """The folders of patterns and of facts.

    Raises:
        DataError: there is no such folder, or it has neither layout.
    """
    if existing_folder(str(folder)) is None:
        raise DataError("no such folder", path=folder)
    for patterns, facts in LAYOUTS:
        if (folder / patterns).is_dir() and (folder / facts).is_dir():
            return folder / patterns, folder / facts
    expected = " or ".join(f"{patterns}/ and {facts}/" for patterns, facts in LAYOUTS[:2])
    raise DataError(f"not a data folder: it should hold {expected}", path=folder)


def read_patterns(path: Path, relation: str, on_problem: OnProblem = give_up) -> Iterator[Pattern]:
    """The patterns of a relation's file, whether or not their answer comes last."""
    for line, record in _read_lines(path, on_problem):
        try:
            text = _text(record, "pattern", path, line)
            for slot, meaning in ((SUBJECT, "the subject"), (ANSWER, "the answer")):
                if text.count(slot) != 1:
                    raise DataError(
                        f"a pattern needs exactly one {slot} for {meaning}, got {text!r}", path=path, line=line
                    )
        except DataError as problem:
            on_problem(problem)
        else:
            yield Pattern(id=f"{relation}:{line}", text=text)


def read_facts(path: Path, relation: str, owner: dict[str, Path], on_problem: OnProblem = give_up) -> Iterator[Fact]:
    """The facts of a relation's file.

    Args:
        path: the file.
        relation: the relation's name.
        owner: uid -> file of every fact read so far; those of this file are added.
        on_problem: takes bad lines.
    """
    for line, record in _read_lines(path, on_problem):
        try:
            uid, subject, obj = (_text(record, key, path, line) for key in ("uuid", "sub_label", "obj_label"))
            if uid in owner:
                raise DataError(f"the uuid {uid} was already used in {owner[uid].name}", path=path, line=line)
        except DataError as problem:
            on_problem(problem)
        else:
            owner[uid] = path
            yield Fact(uid=uid, relation=relation, subject=subject, object=obj)


def _read_lines(path: Path, on_problem: OnProblem) -> Iterator[tuple[int, dict[str, object]]]:
    """Line number and object of every line that is not blank."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        on_problem(DataError(f"cannot be read: {error}", path=path))
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = parse_json(line)
        except NotJsonError as error:
            on_problem(DataError(f"not a line of JSON ({error})", path=path, line=number))
            continue
        if isinstance(record, dict):
            yield number, cast(dict[str, object], record)
        else:
            on_problem(DataError(f"expected a JSON object, got {line.strip()[:40]!r}", path=path, line=number))


def _text(record: dict[str, object], key: str, path: Path, line: int) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{key!r} should be a text that is not empty, got {value!r}", path=path, line=line)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DataError(f"{key!r} holds half of a character: {value!r}", path=path, line=line) from None
    return value.strip()
