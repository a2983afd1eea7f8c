"""Rows on disk: a folder a key, in it shards of rows; what is finished is never computed again.

The key hashes what changes a value; what was hashed lies beside the shards as `manifest.json`. A shard is written under
a temporary name and renamed, so a crash loses at most the shard in flight.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from harness.atomic import write_atomically
from harness.errors import StoreError
from harness.store.lock import alone


class MalformedShardError(Exception):
    """A Parquet file that is no shard of its folder."""


UNREADABLE: Final = (pa.ArrowException, OSError, KeyError, UnicodeDecodeError, MalformedShardError)
"""What reading a damaged or foreign shard may raise."""


def shard_name(keys: Sequence[str]) -> str:
    """The file of the rows with these keys, in this order."""
    return f"shard-{hashlib.blake2b(''.join(keys).encode(), digest_size=10).hexdigest()}.parquet"


def shard_keys(path: Path, schema: pa.Schema) -> list[str]:
    """Keys of a shard's rows.

    Raises:
        MalformedShardError: it has other columns than `schema`, or other rows than its name says.
        pyarrow.ArrowException, OSError: it cannot be read.
    """
    file = pq.ParquetFile(path, page_checksum_verification=True)
    with file:
        if not file.schema_arrow.equals(schema):
            raise MalformedShardError(f"its columns are {', '.join(file.schema_arrow.names)}")
        keys = cast(list[str], file.read(["row_key"])["row_key"].to_pylist())
    if shard_name(keys) != path.name:
        raise MalformedShardError("it holds other rows than its name says")
    return keys


@lru_cache(maxsize=100_000)
def _keys_of(path: Path, schema: pa.Schema, state: tuple[int, int, int]) -> tuple[str, ...]:
    """`shard_keys`, read once by a process for as long as the file is the same: a full store has a thousand."""
    return tuple(shard_keys(path, schema))


def _rows(path: Path, schema: pa.Schema, places: Sequence[int], *, of: int) -> pa.Table:
    """The columns of `schema` of some of a shard's rows, which should be `of` in all."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read(schema.names, use_threads=False)
    if table.num_rows != of:
        raise MalformedShardError("it holds other rows than its name says")
    return table if len(places) == of else table.take(pa.array(places, pa.int64()))


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
        """Keys of all rows that are stored.

        A shard that cannot be read, has other columns, or holds other rows than its name says is set aside, and its
        rows count as missing.

        Raises:
            StoreError: such a shard cannot be set aside.
        """
        keys: set[str] = set()
        for path in self._shards():
            try:
                keys.update(self._keys(path))
            except UNREADABLE as error:
                self._set_aside(path, error)
        return keys

    def size(self) -> int:
        """Bytes of all shards."""
        return sum(path.stat().st_size for path in self._shards())

    def read(self, keys: Collection[str], columns: Collection[str] | None = None) -> pa.Table:
        """The rows with these keys, each once, in no particular order.

        Args:
            keys: of the rows.
            columns: what is read of them besides `row_key`; None for everything.

        Raises:
            StoreError: a key is not there, or its shard was damaged and is set aside now.
        """
        missing = set(keys)
        schema = pa.schema([f for f in self._schema if columns is None or f.name in {"row_key", *columns}])
        parts = [schema.empty_table()]
        for path in self._shards():
            try:
                own = self._keys(path)
                places = {key: place for place, key in enumerate(own) if key in missing}
                if places:
                    parts.append(_rows(path, schema, list(places.values()), of=len(own)))
                    missing.difference_update(places)
            except UNREADABLE as error:  # also where it is damaged where `present` does not look
                self._set_aside(path, error)
        if missing:
            raise StoreError(
                f"{len(missing)} of {len(set(keys))} rows are missing; the same command computes them",
                path=self.folder,
            )
        return pa.concat_tables(parts)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds a shard; its name is the hash of its keys, so the same shard written twice is one file.

        Raises:
            StoreError: the disk is full or not writable.
        """
        table = pa.Table.from_pylist(list(rows), schema=self._schema)
        name = shard_name([row["row_key"] for row in rows])
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        try:
            write_atomically(self.folder / name, sink.getvalue().to_pybytes())
        except OSError as error:
            raise StoreError(f"a shard cannot be written: {error.strerror}", path=self.folder) from error

    def _keys(self, path: Path) -> tuple[str, ...]:
        state = path.stat()
        return _keys_of(path, self._schema, (state.st_ino, state.st_mtime_ns, state.st_size))

    def _set_aside(self, path: Path, reason: Exception) -> None:
        aside = path.with_suffix(".unreadable")
        try:
            path.rename(aside)
        except OSError as error:
            raise StoreError(f"cannot be read ({reason}), nor renamed: {error.strerror}", path=path) from error
        warnings.warn(f"{path} cannot be read ({reason}); set aside as {aside.name}, computed again", stacklevel=3)

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("shard-*.parquet"))
