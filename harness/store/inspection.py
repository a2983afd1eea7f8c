"""What a store holds, whether it is sound, and what in it serves nobody; no model is needed and nothing is computed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pyarrow.parquet as pq

from harness.errors import RecordError, StoreError
from harness.json_text import parse_json
from harness.records import RunRecord
from harness.store.localizations import NUMERICS_VERSION
from harness.store.measurements import MEASUREMENTS_VERSION
from harness.store.shards import UNREADABLE, MalformedShardError, shard_name

KINDS: Final = {"localizations": ("numerics", NUMERICS_VERSION), "measurements": ("version", MEASUREMENTS_VERSION)}
"""Folders of a store that hold shards, and what in their manifests says whether this version still reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFolder:
    """Shards of one key.

    Attributes:
        path: the folder.
        kind: of its rows: one of `KINDS`.
        manifest: what its key was hashed from; empty where that cannot be read.
        shards: its shards, by name.
        rows: how many they hold; shards that cannot be read count none.
        size: bytes of all its files.
    """

    path: Path
    kind: str
    manifest: dict[str, Any]
    shards: tuple[Path, ...]
    rows: int
    size: int

    @property
    def current(self) -> bool:
        """Whether this version of kntests still reads it."""
        name, version = KINDS[self.kind]
        return self.manifest.get(name) == version


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a store that is not as it should be.

    Attributes:
        path: the file or folder.
        what: what is wrong with it, and what follows from that.
    """

    path: Path
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something in a store that no run will ever read.

    Attributes:
        path: the file or folder.
        why: why not.
        size: its bytes.
    """

    path: Path
    why: str
    size: int


def stored_folders(root: Path) -> list[StoredFolder]:
    """Every folder of shards, by kind and name.

    Raises:
        StoreError: there is no store.
    """
    if not root.is_dir():
        raise StoreError("there is no store here; --store names one", path=root)
    return [
        _folder(path, kind)
        for kind in KINDS
        for path in sorted((root / kind).glob("*/"))
        if not path.name.startswith(".")
    ]


def problems(root: Path) -> Iterator[Problem]:
    """Reads everything in the store, and says what is not as it should be. Nothing is changed.

    Raises:
        StoreError: there is no store.
    """
    for folder in stored_folders(root):
        if not folder.manifest:
            yield Problem(
                path=folder.path / "manifest.json", what="cannot be read, so nobody knows what these rows are"
            )
        elif _key(folder.manifest) != folder.path.name:
            yield Problem(path=folder.path / "manifest.json", what="is another folder's: its hash is not this name")
        for shard in folder.shards:
            reason = _damage(shard)
            if reason is not None:
                yield Problem(path=shard, what=f"{reason}; its rows are computed again by the next run that wants them")
    for run in sorted((root / "runs").glob("*/")):
        try:
            RunRecord.from_json((run / "run.json").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, RecordError) as error:
            yield Problem(path=run / "run.json", what=f"is no record of a run: {error}")


def leftovers(root: Path) -> Iterator[Leftover]:
    """What no run will read: folders of other versions, what was set aside, what a crash left, shards within others.

    Saved runs are never among them.

    Raises:
        StoreError: there is no store.
    """
    for folder in stored_folders(root):
        if folder.manifest and not folder.current:
            yield Leftover(path=folder.path, why="made by another version; this one never reads it", size=folder.size)
            continue
        for path in sorted(folder.path.iterdir()):
            why = {".unreadable": "was set aside because it is damaged", ".tmp": "was being written at a crash"}.get(
                path.suffix
            )
            if why is not None:
                yield Leftover(path=path, why=why, size=path.stat().st_size)
        yield from _contained(folder)


def _contained(folder: StoredFolder) -> Iterator[Leftover]:
    """Shards all of whose rows lie in larger ones too."""
    covered: set[str] = set()
    keys = {shard: _keys(shard) for shard in folder.shards}
    for shard, own in sorted(keys.items(), key=lambda item: (-len(item[1] or ()), item[0].name)):
        if own is None:
            continue
        if covered.issuperset(own):
            yield Leftover(path=shard, why="all its rows are in other shards too", size=shard.stat().st_size)
        covered.update(own)


def _folder(path: Path, kind: str) -> StoredFolder:
    shards = tuple(sorted(path.glob("shard-*.parquet")))
    return StoredFolder(
        path=path,
        kind=kind,
        manifest=_manifest(path / "manifest.json"),
        shards=shards,
        rows=sum(map(_rows, shards)),
        size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
    )


def _manifest(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _key(manifest: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(manifest, indent=1, sort_keys=True).encode(), digest_size=10).hexdigest()


def _rows(shard: Path) -> int:
    try:
        return int(pq.read_metadata(shard).num_rows)
    except UNREADABLE:
        return 0


def _keys(shard: Path) -> list[str] | None:
    try:
        return cast(list[str], pq.read_table(shard, columns=["row_key"])["row_key"].to_pylist())
    except UNREADABLE:
        return None


def _damage(shard: Path) -> str | None:
    """What is wrong with a shard, if anything; every byte of it is read."""
    try:
        table = pq.read_table(shard, page_checksum_verification=True)
        if shard_name(cast(list[str], table["row_key"].to_pylist())) != shard.name:
            raise MalformedShardError("it holds other rows than its name says")
    except (*UNREADABLE, TypeError) as error:
        return f"cannot be read ({' '.join(str(error).split())})"
    return None
