"""Measurements on disk: what was done to a model's facts and what came of it, one row a fact or an edit.

Their key hashes the localizations that they rest on and everything that was chosen for the measurement, beside a
version raised by hand; a row is found by a hash of what was measured: token ids, neurons and draws.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.store.shards import ShardFolder

MEASUREMENTS_VERSION = 2
"""Raised by hand when the same inputs would give other numbers than before, or rows get other columns."""


class MeasurementStore(ShardFolder):
    """The rows of one kind of measurement on one model under one localizer.

    A row is a mapping: `row_key`; `excluded`, why there are no numbers, or None; and the numbers, None where one does
    not exist.
    """

    def __init__(self, root: Path, kind: str, identity: Mapping[str, Any], columns: Mapping[str, pa.DataType]) -> None:
        """Opens, and creates if need be, the folder.

        Args:
            root: the store.
            kind: of the measurement.
            identity: model, localizer, selection and every setting of the measurement, as builtins.
            columns: what a row holds besides `row_key` and `excluded`; every value may be null.

        Raises:
            StoreError: the folder cannot be created or written.
        """
        schema = pa.schema(
            [
                pa.field("row_key", pa.string(), nullable=False),
                pa.field("excluded", pa.string(), nullable=True),
                *(pa.field(name, dtype, nullable=True) for name, dtype in columns.items()),
            ]
        )
        shown = {name: str(dtype) for name, dtype in columns.items()}
        versions = {"kind": kind, "columns": shown, "version": MEASUREMENTS_VERSION}
        super().__init__(root / "measurements", {**identity, **versions}, schema)


def content_key(*parts: Any) -> str:
    """A row's key: the hash of what its numbers depend on, which are builtins."""
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=12).hexdigest()
