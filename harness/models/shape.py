"""The dimensions of a language model: what arithmetic and memory go with."""

from dataclasses import dataclass

import torch
from torch import nn

from harness.models.attention import lets_attention_be_changed
from harness.models.loaded import LoadedModel
from harness.models.placement import working_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """Dimensions, whatever the family.

    Attributes:
        n_layers: transformer blocks.
        d_model: width of the residual stream.
        d_ff: neurons a layer.
        vocabulary: tokens that the head tells apart.
        block_weights: entries of all matrices of one block, on average; a token costs two operations for each.
        parameters: all parameters; tied ones count once.
        itemsize: bytes of one of them.
        working_bytes: memory that batches may take beside the weights, where the model lies.
        smooth: whether its activation functions are smooth.
        masked: whether it is a masked model, in which a change at one token changes all others.
        open_attention: whether its attention weights can be seen and changed.
    """

    n_layers: int
    d_model: int
    d_ff: int
    vocabulary: int
    block_weights: int
    parameters: int
    itemsize: int
    working_bytes: int
    smooth: bool = True
    masked: bool = False
    open_attention: bool = True


def shape_of(model: LoadedModel, *, itemsize: int | None = None, device: torch.device | None = None) -> ModelShape:
    """Reads the dimensions off a model, which may be one without weights.

    Args:
        model: the model.
        itemsize: bytes of a weight, where a model without weights does not know them.
        device: where a model without weights would lie.
    """
    itemsize = itemsize or model.dtype.itemsize
    parameters = sum(p.numel() for p in model.model.parameters())
    matrices = [p.numel() for block in model.blocks for p in block.parameters() if p.dim() == 2]
    head: nn.Linear = model.head
    return ModelShape(
        n_layers=model.n_layers,
        d_model=model.d_model,
        d_ff=model.d_ff,
        vocabulary=head.out_features,
        block_weights=sum(matrices) // model.n_layers,
        parameters=parameters,
        itemsize=itemsize,
        working_bytes=working_memory(device or model.device, parameters * itemsize),
        smooth=model.smooth,
        masked=model.family.masked,
        open_attention=lets_attention_be_changed(model),
    )
