"""Finds saved runs again: by number, by name, by folder, or the last one."""

import re
from pathlib import Path
from typing import Final

from harness.errors import StoreError, near_matches

LAST: Final = "last"
"""Names the run that was saved last."""

_FOLDER: Final = re.compile(r"(\d{4,})_(.+)")


def saved_runs(root: Path) -> list[Path]:
    """The folders of all runs of a store, in the order in which they were saved.

    Args:
        root: the store.
    """
    runs = root / "runs"
    folders = [path for path in runs.iterdir() if _FOLDER.fullmatch(path.name)] if runs.is_dir() else []
    return sorted(folders, key=lambda path: (number_and_name(path)[0], path.name))


def number_and_name(folder: Path) -> tuple[int, str]:
    """What a run's folder is called by.

    Raises:
        StoreError: no run's folder is called so.
    """
    found = _FOLDER.fullmatch(folder.name)
    if found is None:
        raise StoreError("a saved run's folder is a number, '_' and a name", path=folder)
    return int(found[1]), found[2]


def find_run(root: Path, asked: str) -> Path:
    """The folder of a saved run.

    Args:
        root: the store.
        asked: `last`, a number, the name that a run was saved under (the last of that name), the name of its folder,
            or a path; the store is looked at first, and `./3` is a folder.

    Raises:
        StoreError: there is no such run; the text says which there are.
    """
    runs = saved_runs(root)
    named = {folder.name: folder for folder in runs}
    for folder in runs:
        number, name = number_and_name(folder)
        named |= {name: folder, str(number): folder, f"{number:04d}": folder, LAST: folder}
    if asked in named:
        return named[asked]
    path = Path(asked).expanduser()
    if path.name == "run.json":
        path = path.parent
    if (path / "run.json").is_file():
        return path
    known = near_matches(asked, [folder.name for folder in runs[-20:]])
    raise StoreError(f"no saved run {asked!r}. {known}", path=root / "runs")
