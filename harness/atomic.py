"""Writes a file so that under its name lies either all of it or what was there before, whatever happens meanwhile."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Writes under a temporary name of this process, flushes to the disk and renames.

    Raises:
        OSError: the disk is full or not writable; what was there before is untouched and nothing else is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
