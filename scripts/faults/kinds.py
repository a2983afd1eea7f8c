"""The kinds of faults; each injects several and adds up what they cost."""

import errno
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import StoreError
from harness.store.localizations import LocalizationStore
from harness.store.shards import shard_name
from scripts.faults.world import SHARDS, Cost, World, shards_of
from tests.broken_disk import STEPS, broken_disk, died

CODES: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def killed(world: World, cost: Cost) -> None:
    """A writer that dies at every step of every file that it writes: the manifest, each shard."""
    for step in STEPS:
        for spared in range(SHARDS):
            world.trial(cost, lambda name, _, at=(step, spared): _dies(world, name, *at), finished=0)


def _dies(world: World, name: str, step: str, spared: int) -> set[Path]:
    assert died(lambda: world.run(name), step, spared=spared)
    return set()


def signalled(world: World, cost: Cost, number: int) -> None:
    """A writer that a signal reaches at some moment."""
    rng = random.Random(0)

    def reach(name: str, _: LocalizationStore) -> set[Path]:
        signal.pthread_sigmask(signal.SIG_BLOCK, [number])  # until the child is where it may be interrupted
        child = os.fork()
        if child == 0:
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
                world.run(name, pause=0.01)
            finally:
                os._exit(0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        time.sleep(rng.uniform(0.0, 0.1))
        os.kill(child, number)
        os.waitpid(child, 0)
        return set()

    for _ in range(30):
        world.trial(cost, reach, finished=1)


def killed_at_once(world: World, cost: Cost) -> None:
    """A writer that kill -9 ends at some moment."""
    signalled(world, cost, signal.SIGKILL)


def interrupted(world: World, cost: Cost) -> None:
    """A writer that Ctrl-C ends at some moment."""
    signalled(world, cost, signal.SIGINT)


def full_disk(world: World, cost: Cost) -> None:
    """A disk that is full, over quota, read-only or broken from a step of some file on."""
    for code in CODES:
        for step in STEPS:
            for spared in range(3):
                world.trial(cost, lambda name, _, at=(step, code, spared): _fails(world, name, *at))


def _fails(world: World, name: str, step: str, code: int, spared: int) -> set[Path]:
    with broken_disk(step, code, spared=spared):
        try:
            world.run(name)
        except StoreError:
            return set()
    raise AssertionError("a disk that fails was not noticed")


def damaged(world: World, cost: Cost, contents: Callable[[bytes, Path], Iterable[bytes]]) -> None:
    """The second shard of three has another content."""
    store = world.store("example")
    store.write_rows([world.rows[request.encoded.key] for request in world.plan.shards()[0]])
    (path,) = shards_of(store)
    content = path.read_bytes()
    for other in contents(content, path):

        def damage(_: str, store: LocalizationStore, other: bytes = other) -> set[Path]:
            (store.folder / path.name).write_bytes(other)
            return {store.folder / path.name}

        world.trial(cost, damage, finished=3)
    shutil.rmtree(store.folder.parents[1])


def truncated(world: World, cost: Cost) -> None:
    """A shard that ends early: around every boundary of its format, and at every two-hundredth byte."""

    def cuts(content: bytes, path: Path) -> Iterator[bytes]:
        for place in sorted(_boundaries(content, path) | set(range(0, len(content), 200))):
            yield content[:place]

    damaged(world, cost, cuts)


def _boundaries(content: bytes, path: Path) -> set[int]:
    """Where columns, pages, footer and magic words begin and end, and one byte beside."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    starts = {c.data_page_offset for c in columns} | {c.dictionary_page_offset or 4 for c in columns}
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    places = starts | {0, 4, footer, len(content) - 8, len(content) - 4, len(content)}
    return {place + by for place in places for by in (-1, 0, 1) if 0 <= place + by < len(content)}


def flipped(world: World, cost: Cost) -> None:
    """A shard in which one byte is another one: every fiftieth."""
    damaged(
        world,
        cost,
        lambda content, _: (
            content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :] for at in range(0, len(content), 50)
        ),
    )


def garbage(world: World, cost: Cost) -> None:
    """A shard that is something else."""
    rng = random.Random(0)
    texts = [b"", b"PAR1", b"PAR1PAR1", b"{}", b"\x80\x04.", b"\x00" * 5000]
    damaged(world, cost, lambda content, _: [*texts, *(rng.randbytes(n) for n in (1, 8, 12, 100, 5000)), content * 2])


def foreign(world: World, cost: Cost) -> None:
    """Shards of somebody else beside ours, or in the place of one of ours."""
    other = world.expected.set_column(0, "row_key", pa.array([f"k{i}" for i in range(len(world.expected))]))
    renamed = world.expected.rename_columns([f"x{name}" for name in world.expected.column_names])
    fewer = world.expected.select(["row_key", "neurons"])
    for table in (other, renamed, fewer, world.expected.slice(0, 3), world.expected.slice(0, 0)):
        for place in ("beside", "in its place"):

            def put(_: str, store: LocalizationStore, table: pa.Table = table, place: str = place) -> set[Path]:
                path = shards_of(store)[1] if place != "beside" else store.folder / shard_name(["nobody"])
                pq.write_table(table, path)
                return {path}

            world.trial(cost, put)


def two_writers(world: World, cost: Cost) -> None:
    """Two processes with the same command at the same time."""

    def both(name: str, _: LocalizationStore) -> set[Path]:
        child = os.fork()
        try:
            world.run(name, pause=0.002)
        finally:
            if child == 0:
                os._exit(0)
        os.waitpid(child, 0)
        return set()

    for finished in range(SHARDS):
        for _ in range(5):
            world.trial(cost, both, finished=finished)


KINDS: Final[dict[str, Callable[[World, Cost], None]]] = {
    "writer dies at a step of writing": killed,
    "writer killed, kill -9": killed_at_once,
    "writer interrupted, Ctrl-C": interrupted,
    "disk full, over quota, read-only, broken": full_disk,
    "shard truncated": truncated,
    "shard with one other byte": flipped,
    "garbage for a shard": garbage,
    "foreign shard": foreign,
    "two writers": two_writers,
}
