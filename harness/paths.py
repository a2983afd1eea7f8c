"""Folders that users name."""

from pathlib import Path


def existing_folder(name: str) -> Path | None:
    """The folder of that name, `~` resolved; None if there is none, or the name can be nothing of the kind."""
    try:
        folder = Path(name).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null character, the home of nobody
        return None
