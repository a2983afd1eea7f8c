"""A saved run with its edits, and whether two of them may be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pandas as pd

from harness.errors import ConfigError, StoreError
from harness.records import Manifest, RunRecord
from reports.gate.limits import METRICS
from reports.load import load_run

EDIT_KEY: Final = ("model", "localizer", "editor", "kind", "fact_uid")
"""What tells one edit of a run from another."""

CHANGES_NO_NUMBER: Final = frozenset(
    ("batch_size", "device", "draws", "margins", "offline", "precision_sample", "store", "trust_remote_code")
)
"""Settings in which two runs may differ: no score of an edit depends on them."""

_COMPARED_OTHERWISE: Final = frozenset(("editors", "seed"))
"""The editor is what is compared; another seed draws other queries of the same facts, which the interval allows for."""

_TEXT: Final = "perplexity_text"
_TEXT_CONTENT: Final = "perplexity_text_fingerprint"

_MODEL_PARTS: Final = ("weights", "tokenizer", "dtype", "attention", "adapter")
"""What of a model changes a number, and what the manifest calls it."""
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditedRun:
    """A saved run that edited facts.

    Attributes:
        name: the run's folder, without what it lies in.
        record: its `run.json`.
        edits: its `edits.csv`: one row an edit, nan where a metric is undefined.
    """

    name: str
    record: RunRecord
    edits: pd.DataFrame

    @property
    def seed(self) -> object:
        """What its queries were drawn by."""
        return self.record.manifest.settings.get("seed")


def load_edited_run(folder: Path) -> EditedRun:
    """Reads a saved run and its edits.

    Raises:
        StoreError: the run or its edits cannot be read, or it edited nothing.
        RecordError: its `run.json` is no record of this schema version.
    """
    record, path = load_run(folder), folder / "edits.csv"
    try:
        edits = pd.read_csv(
            path, dtype=dict.fromkeys((*EDIT_KEY, "relation"), str), keep_default_na=False, na_values=[""]
        )
    except FileNotFoundError:
        raise StoreError(
            "this run edited nothing, so there is nothing to compare; run pytest kntests -m modification", path=folder
        ) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise StoreError(f"the edits cannot be read: {error}", path=path) from error
    missing = [name for name in (*EDIT_KEY, "relation", *(m.column for m in METRICS.values())) if name not in edits]
    if missing:
        raise StoreError(f"these are no edits: {', '.join(missing)} missing", path=path)
    if edits.duplicated(list(EDIT_KEY)).any():
        raise StoreError("a fact has two edits of one kind by one editor", path=path)
    return EditedRun(name=folder.name, record=record, edits=edits)


def check_comparable(reference: EditedRun, new: EditedRun) -> None:
    """Raises ConfigError unless models, data and all settings that change a number are the same; says which differ."""
    differ = differing(reference.record, new.record)
    if differ:
        raise ConfigError(
            f"{reference.name} and {new.name} cannot be compared, because they differ in more than the editor: "
            + "; ".join(differ),
            setting="compare",
            value=reference.name,
        )


def differing(reference: RunRecord, new: RunRecord) -> list[str]:
    """In what two runs differ that changes a number, editors and seed aside, one phrase each."""
    before, after = reference.manifest, new.manifest
    return [
        *_differences("model", _models(before), _models(after)),
        *_differences("data", before.data, after.data),
        *_differences("setting", _settings(before), _settings(after)),
        *_different_text(before.settings, after.settings),
    ]


def check_same_facts(reference: pd.Index, new: pd.Index, what: str) -> None:
    """Raises ConfigError unless the same facts were edited; `what` says by which editor, and which edit it was."""
    parts = [
        f"{len(only)} only in {where} ({', '.join(map(str, only[:_SHOWN]))}{', ...' if len(only) > _SHOWN else ''})"
        for where, only in (("the reference", reference.difference(new)), ("the new run", new.difference(reference)))
        if len(only)
    ]
    if parts:
        raise ConfigError(
            f"{what}: the runs did not edit the same facts: {', '.join(parts)}", setting="compare", value=what
        )


def _models(manifest: Manifest) -> dict[str, dict[str, Any]]:
    return {name: {part: told.get(part) for part in _MODEL_PARTS} for name, told in manifest.models.items()}


def _settings(manifest: Manifest) -> dict[str, Any]:
    ignored = CHANGES_NO_NUMBER | _COMPARED_OTHERWISE | {_TEXT, _TEXT_CONTENT}
    return {name: value for name, value in manifest.settings.items() if name not in ignored}


def _different_text(reference: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The passages that perplexity was measured on: by content, or by name where a run does not know the content."""
    before, after = (
        settings.get(_TEXT_CONTENT if _TEXT_CONTENT in reference and _TEXT_CONTENT in new else _TEXT)
        for settings in (reference, new)
    )
    if before == after:
        return []
    named = [f"{settings.get(_TEXT)!r}" for settings in (reference, new)]
    content = "" if named[0] != named[1] else ", which holds other passages now"
    return [f"perplexity is of the text {named[0]} in the reference and of {named[1]} in the new run{content}"]


def _differences(what: str, reference: Mapping[str, Any], new: Mapping[str, Any], within: str = "") -> list[str]:
    """What differs, one phrase each; goes down to the value at fault."""
    found: list[str] = []
    for name in [*reference, *(name for name in new if name not in reference)]:
        path = f"{within}{name}"
        if name not in reference or name not in new:
            where = "the new run" if name in new else "the reference"
            found.append(f"{what} {path} is in {where} alone")
            continue
        before, after = reference[name], new[name]
        if isinstance(before, dict) and isinstance(after, dict):
            found += _differences(what, cast(dict[str, Any], before), cast(dict[str, Any], after), f"{path}.")
        elif before != after:
            found.append(f"{what} {path} is {before!r} in the reference and {after!r} in the new run")
    return found
