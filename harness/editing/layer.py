"""Which layer an editor of one layer edits."""

from harness.errors import ConfigError
from harness.models.loaded import LoadedModel


def middle_layer(model: LoadedModel) -> int:
    """The layer at a third of the depth: about where causal tracing found facts in GPT-2 XL (17 of 48)."""
    return model.n_layers // 3


def check_layer(model: LoadedModel, layer: int) -> int:
    """The layer itself.

    Raises:
        ConfigError: the model has none of that number.
    """
    if not 0 <= layer < model.n_layers:
        raise ConfigError(
            f"no layer {layer}: {model.name!r} has {model.n_layers}, counted from 0", setting="layer", value=layer
        )
    return layer
