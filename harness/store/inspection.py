"""What a store holds, whether it is sound, and what in it serves nobody; no model is needed and nothing is computed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import RecordError, StoreError
from harness.json_text import parse_json
from harness.records import RunRecord
from harness.store.localizations import NUMERICS_VERSION
from harness.store.measurements import MEASUREMENTS_VERSION
from harness.store.saved import saved_runs
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
    def sound(self) -> bool:
        """Whether the folder is called by what its manifest hashes to; nothing else is a folder of ours."""
        return _key(self.manifest) == self.path.name

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
    """Every folder of shards, by kind and name; links are not followed, since they may lead out of the store.

    Raises:
        StoreError: there is no store.
    """
    if not root.is_dir():
        raise StoreError("there is no store here; --store names one", path=root)
    return [
        _folder(path, kind)
        for kind in KINDS
        if not (root / kind).is_symlink()
        for path in sorted((root / kind).glob("*/"))
        if not path.name.startswith(".") and not path.is_symlink()
    ]


def problems(root: Path) -> Iterator[Problem]:
    """Reads everything in the store, and says what is not as it should be. Nothing is changed.

    Raises:
        StoreError: there is no store.
    """
    for link in (p for kind in KINDS for p in (root / kind, *sorted((root / kind).glob("*"))) if p.is_symlink()):
        yield Problem(path=link, what="is a link, which may lead out of the store: not looked at, never removed")
    for folder in stored_folders(root):
        if not folder.manifest:
            yield Problem(
                path=folder.path / "manifest.json", what="cannot be read, so nobody knows what these rows are"
            )
        elif not folder.sound:
            yield Problem(path=folder.path / "manifest.json", what="is another folder's: its hash is not this name")
        for shard in folder.shards:
            reason = _damage(shard)
            if reason is not None:
                yield Problem(path=shard, what=f"{reason}; its rows are computed again by the next run that wants them")
    for run in saved_runs(root):
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
        if folder.sound and not folder.current:
            yield Leftover(path=folder.path, why="made by another version; this one never reads it", size=folder.size)
            continue
        for path in sorted(folder.path.iterdir()):
            why = {".unreadable": "was set aside because it is damaged", ".tmp": "was being written at a crash"}.get(
                path.suffix
            )
            if why is not None:
                yield Leftover(path=path, why=why, size=_size(path))
        yield from _contained(folder)
    for path in sorted((root / "runs").glob(".*.tmp")):
        yield Leftover(path=path, why="was being saved at a crash", size=_size(path))


def _contained(folder: StoredFolder) -> Iterator[Leftover]:
    """Shards all of whose rows lie in larger ones too, which are sound and of the same columns."""
    covered: dict[pa.Schema, set[str]] = {}
    keys = {shard: _keys(shard) for shard in folder.shards if _damage(shard) is None}
    for shard, own in sorted(keys.items(), key=lambda item: (-len(item[1]), item[0].name)):
        others = covered.setdefault(pq.read_schema(shard), set())
        if others.issuperset(own):
            yield Leftover(path=shard, why="all its rows are in other shards too", size=_size(shard))
        others.update(own)


def _folder(path: Path, kind: str) -> StoredFolder:
    shards = tuple(sorted(path.glob("shard-*.parquet")))
    return StoredFolder(
        path=path,
        kind=kind,
        manifest=_manifest(path / "manifest.json"),
        shards=shards,
        rows=sum(map(_rows, shards)),
        size=_size(path),
    )


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder; a link is as long as what it says."""
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())


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


def _keys(shard: Path) -> list[str]:
    return cast(list[str], pq.read_table(shard, columns=["row_key"])["row_key"].to_pylist())


def _damage(shard: Path) -> str | None:
    """What is wrong with a shard, if anything; every byte of it is read."""
    try:
        table = pq.read_table(shard, page_checksum_verification=True)
        if shard_name(cast(list[str], table["row_key"].to_pylist())) != shard.name:
            raise MalformedShardError("it holds other rows than its name says")
    except (*UNREADABLE, TypeError) as error:
        return f"cannot be read ({' '.join(str(error).split())})"
    return None
