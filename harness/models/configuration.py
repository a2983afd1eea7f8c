"""A model's configuration: read, and how many tokens at once it allows."""

import json
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig

from harness.errors import ModelError


def read_config(folder: Path, *, name: str, trust_remote_code: bool) -> Any:
    """The configuration in a model's folder.

    Args:
        folder: where its files lie.
        name: the model's, for errors.
        trust_remote_code: run Python code that comes with it.

    Raises:
        ModelError: it cannot be read, or is of a family that transformers does not know.
    """
    try:
        raw = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{name!r} has a config.json that cannot be read: {error}", model=name) from error
    if not isinstance(raw, dict) or "model_type" not in raw:
        raise ModelError(f"the config.json of {name!r} should be a JSON object with a model_type", model=name)
    if raw["model_type"] not in CONFIG_MAPPING and not trust_remote_code:
        raise ModelError(
            f"{name!r} is of the family {raw['model_type']!r}, which this version of transformers does not know. Is "
            "its code among its files? Then --trust-remote-code runs it, if you trust it",
            model=name,
        )
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
    except Exception as error:  # a dozen kinds, by what is wrong with the file
        raise ModelError(f"{name!r} has a config.json that is no model's: {error}", model=name) from error


def context_length(config: Any, *, name: str) -> int | None:
    """Most tokens of a query and its answer; None where nothing limits them (ALiBi).

    Where attention looks back over a window only, no more than the window: within it a sliding window changes nothing,
    so queries of different lengths can share a batch.

    Args:
        config: the model's configuration.
        name: the model's, for errors.

    Raises:
        ModelError: the number of positions is none.
    """
    text = config.get_text_config()
    limits = [_positions(text, name), *_windows(text)]
    return min((limit for limit in limits if limit is not None), default=None)


def _positions(config: Any, name: str) -> int | None:
    if getattr(config, "alibi", False) or not hasattr(config, _POSITIONS):
        return None
    limit = getattr(config, _POSITIONS)
    if not isinstance(limit, int) or limit < 1:
        raise ModelError(
            f"the config.json of {name!r} should say in {_POSITIONS} or n_positions how many tokens the model takes,"
            f" got {limit!r}",
            model=name,
        )
    # Position embeddings of RoBERTa and its like begin behind the padding token's.
    offset = config.pad_token_id + 1 if config.model_type in _PADDED_POSITIONS else 0
    return limit - offset


def _windows(config: Any) -> list[int | None]:
    if "local" in getattr(config, "attention_layers", ()):
        return [config.window_size]
    types = getattr(config, "layer_types", None)
    slides = types is None or "sliding_attention" in types
    return [getattr(config, "sliding_window", None)] if slides else []


_POSITIONS = "max_position_embeddings"
_PADDED_POSITIONS = ("roberta", "xlm-roberta", "camembert")
