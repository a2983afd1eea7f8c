"""The verdicts that a built-in model carries."""

import json
from collections.abc import Mapping
from typing import Final

from harness.models.names import BUILTIN_FOLDER

_FILE: Final = "expected_verdicts.json"


def expected_verdicts(model: str) -> Mapping[tuple[str, str, str], str]:
    """(claim, localizer, threshold) -> verdict; empty for a model that carries none.

    Args:
        model: id of a built-in model.
    """
    path = BUILTIN_FOLDER / model / _FILE
    if not path.exists():
        return {}
    rows: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))["verdicts"]
    return {(row["claim"], row["localizer"], row["threshold"]): row["verdict"] for row in rows}
