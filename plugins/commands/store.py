"""`kntests store`: what a store holds, whether it is sound, and what in it can go."""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tabulate import tabulate

from harness.errors import StoreError
from harness.store.inspection import Leftover, StoredFolder, leftovers, problems, stored_folders
from harness.store.saved import saved_runs
from plugins.options import OPTIONS

_DEFAULT_STORE: Final = next(str(option.default) for option in OPTIONS if option.name == "store")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, and with which store."""
    parser.add_argument(
        "what",
        choices=sorted(_DO),
        help="info: what it holds; verify: read everything and name what is damaged (exit status 1 if anything is);"
        " gc: name what no run will ever read, and remove it with --yes",
    )
    parser.add_argument("--store", metavar="DIR", type=Path, default=Path(_DEFAULT_STORE), help="the store")
    parser.add_argument("--yes", action="store_true", help="gc: remove what is named")


def run(arguments: argparse.Namespace) -> int:
    """Does it."""
    return _DO[arguments.what](arguments.store.expanduser(), arguments.yes)


def _info(root: Path, _yes: bool) -> int:
    folders = stored_folders(root)
    rows = [[f.kind, f.path.name, *_shown(f), len(f.shards), f.rows, _bytes(f.size)] for f in folders]
    heads = ["kind", "key", "weights", "localizer", "dtype", "shards", "rows", "size"]
    print(tabulate(rows, headers=heads, tablefmt="simple", disable_numparse=True) if rows else "no shards")
    runs = [path for path in saved_runs(root) if (path / "run.json").exists()]
    print(f"\n{sum(f.rows for f in folders)} rows, {_bytes(sum(f.size for f in folders))}; {len(runs)} saved runs")
    return 0


def _verify(root: Path, _yes: bool) -> int:
    found = list(problems(root))
    for problem in found:
        print(f"{problem.path}: {problem.what}")
    folders = stored_folders(root)
    shards, rows = sum(len(f.shards) for f in folders), sum(f.rows for f in folders)
    print(f"{shards} shards with {rows} rows were read; {len(found) or 'no'} problems")
    return 1 if found else 0


def _gc(root: Path, yes: bool) -> int:
    found = list(leftovers(root))
    for leftover in found:
        print(f"{leftover.path} ({_bytes(leftover.size)}): {leftover.why}")
        if yes:
            _remove(leftover)
    total = _bytes(sum(leftover.size for leftover in found))
    print(f"{total} removed" if yes else f"{total} can be removed: --yes" if found else "nothing to remove")
    return 0


_DO: Final[dict[str, Callable[[Path, bool], int]]] = {"info": _info, "verify": _verify, "gc": _gc}


def _shown(folder: StoredFolder) -> list[str]:
    names = ("weights", "localizer", "dtype")
    return [str(folder.manifest.get(name, "?"))[:12] for name in names]


def _remove(leftover: Leftover) -> None:
    try:
        if leftover.path.is_dir() and not leftover.path.is_symlink():
            shutil.rmtree(leftover.path)
        else:
            leftover.path.unlink()
    except OSError as error:
        raise StoreError(f"cannot be removed: {error.strerror}", path=leftover.path) from error


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
