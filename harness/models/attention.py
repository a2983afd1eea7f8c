"""Attention weights seen, and changed on their way, between the softmax and the values.

A module hook sees attention weights only after they were used. So a model is made, for as long as somebody wants its
weights, to run an attention function of ours. It takes the weights from transformers' own eager function of the family,
with whatever that one knows of (soft caps, scaling, sinks), and learns from a context variable what to do with them.
"""

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from harness.errors import ModelError
from harness.models.loaded import LoadedModel

ATTENTION_FUNCTION = "kntests_weights"
"""Name under which transformers knows our attention function."""

WeightChange = Callable[[int, Tensor], Tensor]
"""Takes a layer and its weights after the softmax, [batch, query heads, rows, columns], and returns what the model uses
instead; whoever only looks returns the tensor that was given."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Interception:
    """One `intercepting_attention`.

    Attributes:
        layer_of: layer of every module inside the blocks of its model.
        change: what is done to the weights.
        reached: layers whose weights came by.
    """

    layer_of: Mapping[nn.Module, int]
    change: WeightChange
    reached: set[int] = field(default_factory=set[int])


_INTERCEPTIONS: ContextVar[tuple[_Interception, ...]] = ContextVar("_INTERCEPTIONS", default=())


@contextmanager
def intercepting_attention(model: LoadedModel, change: WeightChange) -> Generator[None]:
    """Passes the attention weights of every layer through `change`, in every forward pass inside.

    Interceptions nest: an inner one gets what the outer ones made of the weights. On the way out the model has its own
    attention function again, also after an exception.

    Args:
        model: the model; not to be run in another thread meanwhile.
        change: called once a layer and pass.

    Raises:
        ModelError: the family does not run its attention through transformers' interface, or the weights of some layer
            never came by, so that nothing that was meant for them can have happened.
    """
    own = model.attention_implementation
    layer_of = {module: layer for layer, block in enumerate(model.blocks) for module in block.modules()}
    interception = _Interception(layer_of=layer_of, change=change)
    token = _INTERCEPTIONS.set((*_INTERCEPTIONS.get(), interception))
    try:
        model.model.set_attn_implementation(ATTENTION_FUNCTION)
        if model.attention_implementation != ATTENTION_FUNCTION:
            raise ModelError(_refusal(model, "cannot be given another attention function"), model=model.name)
        yield
    finally:
        _INTERCEPTIONS.reset(token)
        model.model.set_attn_implementation(own)
    missing = sorted(set(range(model.n_layers)) - interception.reached)
    if missing:
        raise ModelError(_refusal(model, f"never showed its attention weights in layers {missing}"), model=model.name)


def lets_attention_be_changed(model: LoadedModel) -> bool:
    """Whether the family runs its attention through transformers' interface, so that weights can be seen and changed.

    Args:
        model: with weights or without; left as it was.
    """
    own = model.attention_implementation
    try:
        model.model.set_attn_implementation(ATTENTION_FUNCTION)
        return model.attention_implementation == ATTENTION_FUNCTION
    finally:
        model.model.set_attn_implementation(own)


def _refusal(model: LoadedModel, what: str) -> str:
    return (
        f"{model.name!r} ({model.family.model_type}) {what}. Attention is seen and changed through transformers'"
        " attention interface; use a family that goes through it, such as gpt2 or llama, or leave out the marker"
        " `attention`."
    )


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    """The family's eager attention; with an interception, its weights changed before they meet the values.

    Nothing is computed otherwise where no interception is, or where it returns the weights that it was given.
    """
    output, weights = _eager(module)(module, query, key, value, _additive(attention_mask, query, module), **kwargs)
    changed = weights
    for interception in _INTERCEPTIONS.get():
        if module in interception.layer_of:
            layer = interception.layer_of[module]
            interception.reached.add(layer)
            changed = interception.change(layer, changed)
    if changed is weights:
        return output, weights
    values = value.repeat_interleave(weights.shape[1] // value.shape[1], dim=1)
    return (changed @ values).transpose(1, 2).contiguous(), changed


def _eager(module: nn.Module) -> Callable[..., tuple[Tensor, Tensor]]:
    """transformers' eager attention of the file that defines the module's class or one of its bases."""
    for cls in type(module).__mro__:
        function = getattr(sys.modules.get(cls.__module__), "eager_attention_forward", None)
        if function is not None:
            return function
    raise ModelError(
        f"{type(module).__name__} has no eager attention in {type(module).__module__}; its weights cannot be had",
        model=type(module).__name__,
    )


def _additive(mask: Tensor | None, query: Tensor, module: nn.Module) -> Tensor | None:
    """The mask as eager attention adds it; without one, several rows would see what comes after them."""
    if mask is None:
        if query.shape[2] > 1:
            raise ModelError(
                f"{type(module).__name__} was given several rows and no mask: it would not be causal",
                model=type(module).__name__,
            )
        return None
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=query.dtype).masked_fill_(~mask, torch.finfo(query.dtype).min)


# Global and for good, so under a name that nobody else uses. The mask function is as needed as the other: for a name
# without one transformers makes no mask at all.
AttentionInterface.register(ATTENTION_FUNCTION, _attend)
AttentionMaskInterface.register(ATTENTION_FUNCTION, eager_mask)
