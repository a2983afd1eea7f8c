"""Rows on disk: a folder a key, in it shards of rows; what is finished is never computed again.

The key hashes what changes a value; what was hashed lies beside the shards as `manifest.json`. A shard is written under
a temporary name and renamed, so a crash loses at most the shard in flight.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.atomic import write_atomically
from harness.errors import StoreError
from harness.store.lock import alone


class ShardFolder:
    """Rows of one kind that are found by their `row_key`, a string and never null."""

    def __init__(self, root: Path, identity: Mapping[str, Any], schema: pa.Schema, *, create: bool = True) -> None:
        """Opens, and creates if need be, the folder of what `identity` describes.

        Args:
            root: where folders of this kind lie.
            identity: everything that changes a value, as builtins.
            schema: of a row; `row_key` among its columns.
            create: whether to create it; without, it can only be read, and holds nothing where it is not there.

        Raises:
            StoreError: the folder cannot be created or written.
        """
        manifest = json.dumps(identity, indent=1, sort_keys=True)
        self.key = hashlib.blake2b(manifest.encode(), digest_size=10).hexdigest()
        self.folder = root / self.key
        self._schema = schema
        if not create:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / "manifest.json").exists():
                write_atomically(self.folder / "manifest.json", manifest.encode())
        except OSError as error:
            raise StoreError(f"the store cannot be written: {error.strerror}", path=self.folder) from error

    def alone(self, what: str, waiting: Callable[[], None]) -> AbstractContextManager[None]:
        """Lets one process at a time do `what` with this folder; see `harness.store.lock`."""
        return alone(self.folder / f"{what}.lock", waiting)

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

    def size(self) -> int:
        """Bytes of all shards."""
        return sum(path.stat().st_size for path in self._shards())

    def read(self, keys: Collection[str]) -> pa.Table:
        """The rows with these keys, each once, in no particular order.

        Raises:
            StoreError: a key is not there.
        """
        wanted = set(keys)
        parts = [self._schema.empty_table()]
        for path in self._shards():
            table = pq.read_table(path, schema=self._schema)
            parts.append(table.filter(pa.array([key in wanted for key in table["row_key"].to_pylist()], pa.bool_())))
        rows = pa.concat_tables(parts)
        first: dict[str, int] = {}
        for index, key in enumerate(rows["row_key"].to_pylist()):
            first.setdefault(key, index)
        if len(first) < len(wanted):
            raise StoreError(f"{len(wanted) - len(first)} of {len(wanted)} rows are missing", path=self.folder)
        return rows.take(pa.array(list(first.values()), pa.int64()))

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds a shard; its name is the hash of its keys, so the same shard written twice is one file.

        Raises:
            StoreError: the disk is full or not writable.
        """
        table = pa.Table.from_pylist(list(rows), schema=self._schema)
        name = hashlib.blake2b("".join(row["row_key"] for row in rows).encode(), digest_size=10).hexdigest()
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
