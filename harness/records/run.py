"""The manifest of a run and the run itself."""

import json
from dataclasses import dataclass
from typing import Any, Self, cast

from harness.errors import RecordError
from harness.json_text import NotJsonError, parse_json
from harness.records.claim_row import ClaimRow
from harness.records.record import SCHEMA_VERSION, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Record):
    """Where the numbers of a run come from.

    Attributes:
        created: UTC time, ISO 8601.
        command: the command line.
        versions: package -> version, Python's among them.
        platform: operating system, processor and accelerator.
        models: id -> source, revision, fingerprint, dtype, device, attention implementation.
        data: name, fingerprint, counts of facts, queries, relations and patterns, what was skipped and why, limit.
        settings: every option that changes a number.
        smoke: why this run is not a result (a limit, a built-in model), or None.
        seconds: wall-clock time of the session.
    """

    created: str
    command: str
    versions: dict[str, str]
    platform: dict[str, str]
    models: dict[str, dict[str, Any]]
    data: dict[str, Any]
    settings: dict[str, Any]
    smoke: str | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Record):
    """A run: its manifest and one row for every claim that was looked at."""

    manifest: Manifest
    claims: tuple[ClaimRow, ...]
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The text of `run.json`."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the text of `run.json`.

        Raises:
            RecordError: not JSON, another schema version, or a key too many or too few.
        """
        try:
            data = parse_json(text)
        except NotJsonError as error:
            raise RecordError(f"not a run record: {error}", field="run.json") from None
        if not isinstance(data, dict) or cast(dict[str, Any], data).get("schema_version") != SCHEMA_VERSION:
            raise RecordError(f"not a run record of schema version {SCHEMA_VERSION}", field="schema_version")
        known = cast(dict[str, Any], data)
        rows = known.pop("claims", [])
        if not isinstance(rows, list):
            raise RecordError("RunRecord: 'claims' should be a list", field="claims")
        claims = tuple(ClaimRow.from_dict(row) for row in cast(list[Any], rows))
        return cls.from_dict({**known, "manifest": Manifest.from_dict(known.pop("manifest", {})), "claims": claims})
