"""Localizations on disk: a folder a key, in it shards of rows; what is finished is never computed again.

The key hashes what changes a value for given token ids (weights, tokenizer, dtype, attention implementation, localizer
and a numerics version raised by hand); what was hashed lies beside the shards as `manifest.json`. A shard is written
under a temporary name and renamed, so a crash loses at most the shard in flight.
"""

import hashlib
import json
import warnings
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.atomic import write_atomically
from harness.errors import StoreError
from harness.store.rows import ROW_SCHEMA, LocalizationRow

NUMERICS_VERSION = 2
"""Raised by hand when the same inputs would give other scores than before, or rows get other columns."""


class LocalizationStore:
    """The rows of one model under one localizer."""

    def __init__(self, root: Path, identity: dict[str, Any]) -> None:
        """Opens, and creates if need be, the folder of what `identity` describes.

        Args:
            root: the store.
            identity: everything that changes a value, as builtins.

        Raises:
            StoreError: the folder cannot be created or written.
        """
        manifest = json.dumps({**identity, "numerics": NUMERICS_VERSION}, indent=1, sort_keys=True)
        self.key = hashlib.blake2b(manifest.encode(), digest_size=10).hexdigest()
        self.folder = root / "localizations" / self.key
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / "manifest.json").exists():
                write_atomically(self.folder / "manifest.json", manifest.encode())
        except OSError as error:
            raise StoreError(f"the store cannot be written: {error.strerror}", path=self.folder) from error

    def present(self) -> set[str]:
        """Keys of all rows that are stored. A shard that cannot be read is set aside and its rows count as missing.

        Raises:
            StoreError: such a shard cannot be set aside.
        """
        keys: set[str] = set()
        for path in self._shards():
            try:
                keys.update(pq.read_table(path, columns=["row_key"])["row_key"].to_pylist())
            except (pa.ArrowException, OSError, KeyError) as error:
                self._set_aside(path, error)
        return keys

    def read(self, keys: Collection[str]) -> pa.Table:
        """The rows with these keys, in `ROW_SCHEMA`, each once, in no particular order.

        Raises:
            StoreError: a key is not there.
        """
        wanted = set(keys)
        parts = [ROW_SCHEMA.empty_table()]
        for path in self._shards():
            table = pq.read_table(path, schema=ROW_SCHEMA)
            parts.append(table.filter(pa.array([key in wanted for key in table["row_key"].to_pylist()], pa.bool_())))
        rows = pa.concat_tables(parts)
        first: dict[str, int] = {}
        for index, key in enumerate(rows["row_key"].to_pylist()):
            first.setdefault(key, index)
        if len(first) < len(wanted):
            raise StoreError(f"{len(wanted) - len(first)} of {len(wanted)} rows are missing", path=self.folder)
        return rows.take(pa.array(list(first.values()), pa.int64()))

    def write(self, rows: Sequence[LocalizationRow]) -> None:
        """Adds a shard; its name is the hash of its keys, so the same shard written twice is one file.

        Raises:
            StoreError: the disk is full or not writable.
        """
        table = pa.Table.from_pylist([asdict(row) for row in rows], schema=ROW_SCHEMA)
        name = hashlib.blake2b("".join(row.row_key for row in rows).encode(), digest_size=10).hexdigest()
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        try:
            write_atomically(self.folder / f"shard-{name}.parquet", sink.getvalue().to_pybytes())
        except OSError as error:
            raise StoreError(f"a shard cannot be written: {error.strerror}", path=self.folder) from error

    def _set_aside(self, path: Path, reason: Exception) -> None:
        aside = path.with_suffix(".unreadable")
        try:
            path.rename(aside)
        except OSError as error:
            raise StoreError(f"cannot be read ({reason}), nor renamed: {error.strerror}", path=path) from error
        warnings.warn(f"{path} cannot be read ({reason}); set aside as {aside.name}, computed again", stacklevel=3)

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("shard-*.parquet"))
