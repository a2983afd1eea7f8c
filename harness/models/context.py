"""How many tokens a model takes at once, from its configuration."""

from typing import Any


def context_length(config: Any) -> int | None:
    """Most tokens of a query and its answer; None where nothing limits them (ALiBi).

    Where attention looks back over a window only, no more than the window: within it a sliding window changes nothing,
    so queries of different lengths can share a batch.
    """
    text = config.get_text_config()
    limits = [_positions(text), *_windows(text)]
    return min((limit for limit in limits if limit is not None), default=None)


def _positions(config: Any) -> int | None:
    if getattr(config, "alibi", False):
        return None
    # Position embeddings of RoBERTa and its like begin behind the padding token's.
    offset = config.pad_token_id + 1 if config.model_type in _PADDED_POSITIONS else 0
    limit = getattr(config, "max_position_embeddings", None)
    return None if limit is None else limit - offset


def _windows(config: Any) -> list[int | None]:
    if "local" in getattr(config, "attention_layers", ()):
        return [config.window_size]
    types = getattr(config, "layer_types", None)
    slides = types is None or "sliding_attention" in types
    return [getattr(config, "sliding_window", None)] if slides else []


_PADDED_POSITIONS = ("roberta", "xlm-roberta", "camembert")
