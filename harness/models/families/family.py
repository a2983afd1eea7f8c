"""The data row that describes a model family."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Where the parts of a causal language model are; dotted paths as `nn.Module.get_submodule` takes them.

    The engine assumes of every family here that the FFN's output is added to the residual stream as it is, so that
    block output = (something without neurons) + output_projection(neurons).

    Attributes:
        model_type: `config.model_type` of the family.
        blocks: path of the list of blocks, from the model.
        output_projection: path of the FFN's output projection, from a block; its input holds the neurons.
        final_norm: path of the norm between the last block and the head, from the model.
        head: path of the linear vocabulary projection, from the model.
    """

    model_type: str
    blocks: str
    output_projection: str
    final_norm: str
    head: str = "lm_head"
