"""Localizations on disk: the rows of one model under one localizer.

Their key hashes what changes a value for given token ids: weights, tokenizer, dtype, attention implementation,
localizer, and a numerics version raised by hand.
"""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from harness.store.rows import ROW_SCHEMA, LocalizationRow
from harness.store.shards import ShardFolder

NUMERICS_VERSION = 5
"""Raised by hand when the same inputs would give other scores than before, or rows get other columns."""

_COLUMNS: Final = [field.name for field in fields(LocalizationRow)]


class LocalizationStore(ShardFolder):
    """The rows of one model under one localizer."""

    def __init__(self, root: Path, identity: dict[str, Any], *, create: bool = True) -> None:
        """Opens, and creates if need be, the folder of what `identity` describes.

        Args:
            root: the store.
            identity: everything that changes a value, as builtins.
            create: whether to create it; without, it can only be read, and holds nothing where it is not there.

        Raises:
            StoreError: the folder cannot be created or written.
        """
        super().__init__(root / "localizations", {**identity, "numerics": NUMERICS_VERSION}, ROW_SCHEMA, create=create)

    def write_rows(self, rows: Sequence[LocalizationRow]) -> None:
        """Adds a shard.

        Raises:
            StoreError: the disk is full or not writable.
        """
        self.write([{name: getattr(row, name) for name in _COLUMNS} for row in rows])
