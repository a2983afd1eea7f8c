"""A causal language model ready to be localized: frozen, in eval mode, with its family's parts at hand."""

from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.errors import ModelError
from harness.models.families import Family, family_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedModel:
    """A model, its tokenizer and the parts that the engine drives.

    Attributes:
        name: the id under which it appears in tests and records.
        model: the model; parameters frozen, eval mode, use of the cache decided call by call.
        tokenizer: its tokenizer.
        fingerprint: content hash of weights and configuration.
        family: the data row of its architecture.
        blocks: the transformer blocks, lowest first.
        output_projections: the FFN output projection of each block.
        d_ff: neurons a layer.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    fingerprint: str
    family: Family = field(init=False)
    blocks: tuple[nn.Module, ...] = field(init=False)
    output_projections: tuple[nn.Module, ...] = field(init=False)
    d_ff: int = field(init=False)

    def __post_init__(self) -> None:
        """Finds the parts by the family's row, freezes the parameters and switches to eval mode.

        Raises:
            ModelError: the family is unknown, or its layers differ in their number of neurons.
        """
        model_type = str(cast(Any, self.model.config).model_type)
        family = family_of(model_type, model=self.name)
        blocks = tuple(cast(nn.ModuleList, self.model.get_submodule(family.blocks)))
        projections = tuple(block.get_submodule(family.output_projection) for block in blocks)
        widths = {_input_width(projection) for projection in projections}
        if len(widths) != 1:
            raise ModelError(f"{self.name!r} has layers of different width {sorted(widths)}", model=self.name)
        self.model.eval()
        self.model.requires_grad_(False)
        for name, value in (
            ("family", family),
            ("blocks", blocks),
            ("output_projections", projections),
            ("d_ff", widths.pop()),
        ):
            object.__setattr__(self, name, value)

    @property
    def n_layers(self) -> int:
        """Number of transformer blocks."""
        return len(self.blocks)

    @property
    def device(self) -> torch.device:
        """Where prompts have to be put: the device of the input embedding."""
        return self.model.get_input_embeddings().weight.device  # type: ignore[return-value, union-attr]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return self.model.dtype

    @property
    def final_norm(self) -> nn.Module:
        """The norm between the last block and the head."""
        return self.model.get_submodule(self.family.final_norm)

    @property
    def head(self) -> nn.Linear:
        """The vocabulary projection."""
        return cast(nn.Linear, self.model.get_submodule(self.family.head))

    @property
    def context_length(self) -> int:
        """Most tokens that the model takes."""
        return int(cast(Any, self.model.config).max_position_embeddings)

    @property
    def attention_implementation(self) -> str:
        """The attention function in use, such as `sdpa` or `eager`."""
        return str(cast(Any, self.model.config)._attn_implementation)


def _input_width(projection: nn.Module) -> int:
    """Neurons that feed an output projection; Conv1D stores [d_ff, d_model], Linear [d_model, d_ff]."""
    if isinstance(projection, nn.Linear):
        return projection.in_features
    weight = cast(torch.Tensor, projection.weight)
    return int(weight.shape[0])
