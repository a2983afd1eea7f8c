"""Writes a file so that under its name lies either all of it or what was there before, whatever happens meanwhile."""

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Writes under a temporary name, flushes to the disk and renames.

    The name is nobody else's: process numbers are the same in many containers that share a disk.

    Raises:
        OSError: the disk is full or not writable; what was there before is untouched and nothing else is left.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:  # never through a link that lies there already
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
