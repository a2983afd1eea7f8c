"""Reads a data folder: one JSON-lines file a relation with its patterns, and one with its facts.

Two layouts are known: ParaRel's own (`pattern_data/graphs_json` and `trex_lms_vocab`, in the folder or in its
`data`), and the short one (`patterns` and `facts`). A pattern line has the key `pattern`; a fact line has `sub_label`,
`obj_label` and `uuid`; other keys are ignored.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from harness.data.facts import ANSWER, SUBJECT, Dataset, Fact, Pattern, Relation
from harness.errors import DataError

_LAYOUTS = (
    ("patterns", "facts"),
    ("pattern_data/graphs_json", "trex_lms_vocab"),
    ("data/pattern_data/graphs_json", "data/trex_lms_vocab"),
)
_LEAST_PATTERNS = 2


def load_folder(folder: Path, name: str | None = None) -> Dataset:
    """Reads all relations of a data folder that have at least two patterns with the answer last.

    Args:
        folder: in one of the two layouts.
        name: what the dataset is called in records; the folder's name by default.

    Raises:
        DataError: no such folder or layout, a malformed line, or no usable relation at all.
    """
    patterns_dir, facts_dir = _find_layout(folder)
    relations: list[Relation] = []
    skipped: dict[str, str] = {}
    owner: dict[str, Path] = {}
    n_patterns = 0
    files = {path.stem: path for path in sorted(patterns_dir.glob("*.jsonl"))}
    for path in sorted(facts_dir.glob("*.jsonl")):
        if path.stem not in files:
            skipped[path.stem] = "it has facts but no patterns"
    for relation, path in files.items():
        patterns = list(_read_patterns(path, relation))
        n_patterns += len(patterns)
        usable = tuple(pattern for pattern in patterns if pattern.stem is not None)
        facts_file = facts_dir / path.name
        if len(usable) < _LEAST_PATTERNS:
            skipped[relation] = f"{len(usable)} of its {len(patterns)} patterns have the answer last, two are needed"
        elif not facts_file.exists():
            skipped[relation] = f"it has patterns but no facts in {facts_dir.name}/{path.name}"
        else:
            facts = tuple(_read_facts(facts_file, relation, owner))
            if facts:
                relations.append(Relation(name=relation, facts=facts, patterns=usable))
            else:
                skipped[relation] = "its file of facts is empty"
    if not relations:
        why = "; ".join(f"{name}: {reason}" for name, reason in sorted(skipped.items())) or "it holds no *.jsonl file"
        raise DataError(f"no relation to work with ({why})", path=folder)
    return Dataset(
        name=name or folder.resolve().name,
        relations=tuple(relations),
        skipped=tuple(sorted(skipped.items())),
        n_patterns=n_patterns,
    )


def _find_layout(folder: Path) -> tuple[Path, Path]:
    if not folder.is_dir():
        raise DataError("no such folder", path=folder)
    for patterns, facts in _LAYOUTS:
        if (folder / patterns).is_dir() and (folder / facts).is_dir():
            return folder / patterns, folder / facts
    expected = " or ".join(f"{patterns}/ and {facts}/" for patterns, facts in _LAYOUTS[:2])
    raise DataError(f"not a data folder: it should hold {expected}", path=folder)


def _read_patterns(path: Path, relation: str) -> Iterator[Pattern]:
    for line, record in _read_lines(path):
        text = _text(record, "pattern", path, line)
        for slot, meaning in ((SUBJECT, "the subject"), (ANSWER, "the answer")):
            if text.count(slot) != 1:
                raise DataError(f"a pattern needs exactly one {slot} for {meaning}, got {text!r}", path=path, line=line)
        yield Pattern(id=f"{relation}:{line}", text=text)


def _read_facts(path: Path, relation: str, owner: dict[str, Path]) -> Iterator[Fact]:
    for line, record in _read_lines(path):
        uid, subject, obj = (_text(record, key, path, line) for key in ("uuid", "sub_label", "obj_label"))
        if uid in owner:
            raise DataError(f"the uuid {uid} was already used in {owner[uid].name}", path=path, line=line)
        owner[uid] = path
        yield Fact(uid=uid, relation=relation, subject=subject, object=obj)


def _read_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Line number and object of every line that is not blank."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", path=path) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise DataError(f"not a line of JSON ({error})", path=path, line=number) from None
        if not isinstance(record, dict):
            raise DataError(f"expected a JSON object, got {line.strip()[:40]!r}", path=path, line=number)
        yield number, cast(dict[str, object], record)


def _text(record: dict[str, object], key: str, path: Path, line: int) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{key!r} should be a text that is not empty, got {value!r}", path=path, line=line)
    return value.strip()
