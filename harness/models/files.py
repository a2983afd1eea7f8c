"""The files that make a model's folder, apart from its tokenizer, whose files have many names."""

import json
from pathlib import Path
from typing import Final

MODEL_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
"""What is fetched of a model: configuration, weights in safetensors, and its tokenizer."""

_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"


def missing_files(folder: Path) -> tuple[str, ...]:
    """Names of the files without which the folder holds no model: its configuration, and its weights in safetensors.

    Args:
        folder: a model's folder; weights in several files have an index that names them.
    """
    missing = () if (folder / _CONFIG).is_file() else (_CONFIG,)
    if (folder / _INDEX).is_file():
        return missing + tuple(name for name in _shards(folder / _INDEX) if not (folder / name).is_file())
    return missing if any(folder.glob("*.safetensors")) else (*missing, _WEIGHTS)


def foreign_weights(folder: Path) -> tuple[str, ...]:
    """What the index of the weights names that is no safetensors file of this folder: nothing that will be read."""
    return tuple(n for n in _shards(folder / _INDEX) if Path(n).name != n or not n.endswith(".safetensors"))


def _shards(index: Path) -> list[str]:
    """The files of an index; an index that cannot be read is left to whoever loads the weights."""
    try:
        return sorted({str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
