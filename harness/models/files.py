"""The files that make a model's folder, apart from its tokenizer, whose files have many names."""

from pathlib import Path
from typing import Any, Final, cast

from harness.json_text import parse_json
from harness.paths import existing_file

MODEL_FILES: Final = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
"""What is fetched of a model: configuration, weights in safetensors, and its tokenizer."""

_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_DISTRIBUTED = "shard-*-model-*-of-*.safetensors"


def missing_files(folder: Path) -> tuple[str, ...]:
    """Names of the files without which the folder holds no model: its configuration, and its weights in safetensors.

    Args:
        folder: a model's folder; weights in several files have an index that names them.
    """
    missing = () if (folder / _CONFIG).is_file() else (_CONFIG,)
    if (folder / _INDEX).is_file():
        return missing + tuple(n for n in _shards(folder / _INDEX) if existing_file(str(folder / n)) is None)
    return missing if any(folder.glob("*.safetensors")) else (*missing, _WEIGHTS)


def foreign_weights(folder: Path) -> tuple[str, ...]:
    """What index or configuration name as weights that is no safetensors file of this folder: it is never read."""
    named = [*_shards(folder / _INDEX), *_explicit(folder / _CONFIG)]
    return tuple(name for name in named if Path(name).name != name or not name.endswith(".safetensors"))


def distributed_weights(folder: Path) -> tuple[str, ...]:
    """Files of torch's own distributed form, which transformers would take before all others."""
    return tuple(sorted(path.name for path in folder.glob(_DISTRIBUTED)))


def weight_files(folder: Path) -> tuple[Path, ...]:
    """All that says what the weights are: those in safetensors, and the index that chooses among them."""
    index = folder / _INDEX
    return (*([index] if index.is_file() else []), *sorted(folder.glob("*.safetensors")))


def _explicit(config: Path) -> list[str]:
    """The file that a configuration names by itself, which transformers would take before all others."""
    try:
        named = cast(Any, parse_json(config.read_text(encoding="utf-8")))["transformers_weights"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [] if named is None else [str(named)]


def _shards(index: Path) -> list[str]:
    """The files of an index; an index that cannot be read is left to whoever loads the weights."""
    try:
        found = cast(Any, parse_json(index.read_text(encoding="utf-8")))
        return sorted({str(name) for name in found["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
