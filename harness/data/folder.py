"""Reads a data folder: one JSON-lines file a relation with its patterns, and one with its facts.

Two layouts are known: ParaRel's own (`pattern_data/graphs_json` and `trex_lms_vocab`, in the folder or in its
`data`), and the short one (`patterns` and `facts`). A pattern line has the key `pattern`; a fact line has `sub_label`,
`obj_label` and `uuid`; other keys are ignored.
"""

from pathlib import Path

from harness.data.facts import Dataset, QueryForm, Relation
from harness.data.lines import find_layout, read_facts, read_patterns
from harness.errors import DataError

_LEAST_PATTERNS = 2


def load_folder(folder: Path, name: str | None = None, *, form: QueryForm = QueryForm.CONTINUATION) -> Dataset:
    """Reads all relations of a data folder that have at least two patterns that can be asked in that form.

    Args:
        folder: in one of the two layouts.
        name: what the dataset is called in records; the folder's name by default.
        form: what queries are to be; patterns are of use to it or not.

    Raises:
        DataError: no such folder or layout, a malformed line, or no usable relation at all.
    """
    patterns_dir, facts_dir = find_layout(folder)
    relations: list[Relation] = []
    skipped: dict[str, str] = {}
    owner: dict[str, Path] = {}
    n_patterns = 0
    files = {path.stem: path for path in sorted(patterns_dir.glob("*.jsonl"))}
    for path in sorted(facts_dir.glob("*.jsonl")):
        if path.stem not in files:
            skipped[path.stem] = "it has facts but no patterns"
    for relation, path in files.items():
        patterns = list(read_patterns(path, relation))
        n_patterns += len(patterns)
        usable = tuple(pattern for pattern in patterns if pattern.frame(form) is not None)
        facts_file = facts_dir / path.name
        if len(usable) < _LEAST_PATTERNS:
            use = "have the answer last" if form is QueryForm.CONTINUATION else "can be asked"
            skipped[relation] = f"{len(usable)} of its {len(patterns)} patterns {use}, two are needed"
        elif not facts_file.exists():
            skipped[relation] = f"it has patterns but no facts in {facts_dir.name}/{path.name}"
        else:
            facts = tuple(read_facts(facts_file, relation, owner))
            if facts:
                relations.append(Relation(name=relation, facts=facts, patterns=usable))
            else:
                skipped[relation] = "its file of facts is empty"
    if not relations:
        why = "; ".join(f"{name}: {reason}" for name, reason in sorted(skipped.items())) or "it holds no *.jsonl file"
        raise DataError(f"no relation to work with ({why})", path=folder)
    called = name or folder.resolve().name
    return Dataset(
        name=called if form is QueryForm.CONTINUATION else f"{called} ({form})",
        relations=tuple(relations),
        skipped=tuple(sorted(skipped.items())),
        n_patterns=n_patterns,
        form=form,
    )
