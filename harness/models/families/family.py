"""The data row that describes a model family."""

from dataclasses import dataclass

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
        key_biases: names of block arguments whose last axis runs over keys (ALiBi).
        masks_by_position: whether its attention cuts a mask of its own out of a buffer, by position (GPT-Neo), so that
            prefix and rows of one call have to fit into it.
    """

    model_type: str
    blocks: str
    output_projection: str
    before_head: tuple[str | nn.Module, ...]
    head: str = "lm_head"
    ffn_added_as_is: bool = True
    attention: str = "sdpa"
    key_biases: tuple[str, ...] = ()
    masks_by_position: bool = False

    def __post_init__(self) -> None:
        """Checks what can be checked without a model.

        Raises:
            ConfigError: a field of the wrong kind.
        """
        for name in ("model_type", "blocks", "output_projection", "head", "attention"):
            self._check(name, isinstance(getattr(self, name), str) and getattr(self, name), "a text")
        for name, kinds in (("before_head", str | nn.Module), ("key_biases", str)):
            value = getattr(self, name)
            fits = isinstance(value, tuple) and all(isinstance(item, kinds) for item in value)
            self._check(name, fits, "a tuple of paths" if name == "before_head" else "a tuple of names")
        for name in ("ffn_added_as_is", "masks_by_position"):
            self._check(name, isinstance(getattr(self, name), bool), "True or False")
        if self.masks_by_position:
            # Rows that run through their block come in pieces there, and which piece they enter with is not worked out.
            self._check("masks_by_position", self.ffn_added_as_is, "False where ffn_added_as_is is")

    def _check(self, name: str, fits: object, expected: str) -> None:
        if not fits:
            value = getattr(self, name)
            raise ConfigError(f"a family's {name} is {expected}, got {value!r}", setting=name, value=value)
