"""Files and folders that users name."""

from collections.abc import Callable
from pathlib import Path


def existing_folder(name: str) -> Path | None:
    """The folder of that name, `~` resolved; None if there is none, or the name can be nothing of the kind."""
    return _existing(name, Path.is_dir)


def existing_file(name: str) -> Path | None:
    """The file of that name, likewise."""
    return _existing(name, Path.is_file)


def _existing(name: str, kind: Callable[[Path], bool]) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if kind(path) else None
    except (OSError, ValueError, RuntimeError):  # too long, a null character, the home of nobody
        return None
