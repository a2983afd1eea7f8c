"""The data row that describes a model family."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import cast

from torch import nn

from harness.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Where the parts of a language model are, and the few things in which families differ for the engine.

    Paths are dotted, as `nn.Module.get_submodule` takes them.

    Attributes:
        model_type: `config.model_type` of the family.
        blocks: path of the list of blocks, from the model.
        output_projection: path of the FFN's output projection, from a block; its input holds the neurons.
        before_head: what stands between the last block and the head, in order: paths from the model, or modules without
            weights. A path at which the model has None is skipped (OPT's final norm, which some checkpoints lack).
        head: path of the linear vocabulary projection, from the model.
        ffn_added_as_is: whether block output = (something without neurons) + output_projection(neurons). Rows then
            enter at the block's output. Where a norm stands in between (Gemma 2, OLMo 2), they run through the block.
        attention: transformers' attention implementation: sdpa, or eager where the family has no other.
        attention_interface: whether its attention goes through transformers' `AttentionInterface` and is a softmax of
            scaled (and capped) products alone; rows are then spared from meeting each other.
        key_biases: names of block arguments whose last axis runs over keys (ALiBi).
        masks_by_position: whether its attention cuts a mask of its own out of a buffer, by position (GPT-Neo), so that
            prefix and rows of one call have to fit into it.
        masked: whether it is a masked language model, which reads the whole sentence and answers at its mask token.
    """

    model_type: str
    blocks: str
    output_projection: str
    before_head: tuple[str | nn.Module, ...]
    head: str = "lm_head"
    ffn_added_as_is: bool = True
    attention: str = "sdpa"
    attention_interface: bool = True
    key_biases: tuple[str, ...] = ()
    masks_by_position: bool = False
    masked: bool = False

    def __post_init__(self) -> None:
        """Checks what can be checked without a model.

        Raises:
            ConfigError: a field of the wrong kind.
        """
        check_fields({item.name: getattr(self, item.name) for item in fields(self)})
        if self.masks_by_position and not self.ffn_added_as_is:
            # Rows that run through their block would come in pieces; which piece an entry is in is not worked out.
            raise ConfigError(
                "a family that masks_by_position needs ffn_added_as_is", setting="masks_by_position", value=True
            )


def check_fields(row: Mapping[str, object]) -> None:
    """Checks the kind of every field that is there.

    Raises:
        ConfigError: one is of another kind.
    """
    for name, value in row.items():
        expected, fits = _KINDS[name]
        if not fits(value):
            raise ConfigError(f"a family's {name} is {expected}, got {value!r}", setting=name, value=value)


def _tuple_of(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, tuple) and all(isinstance(v, kinds) for v in cast(tuple[object, ...], value))


_TEXT = ("a text", lambda value: isinstance(value, str) and bool(value))
_SWITCH = ("True or False", lambda value: isinstance(value, bool))
_KINDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    **dict.fromkeys(("model_type", "blocks", "output_projection", "head", "attention"), _TEXT),
    **dict.fromkeys(("ffn_added_as_is", "attention_interface", "masks_by_position", "masked"), _SWITCH),
    "before_head": ("a tuple of paths and modules", _tuple_of(str, nn.Module)),
    "key_biases": ("a tuple of names", _tuple_of(str)),
}
