"""Attention of rows that stand side by side: each sees its query's prefix and itself, and no other row.

Under a mask that says so, an attention function still multiplies every row with every other. Here a row meets the
prefix's keys and its own and no more, which is all that is left of the products once the mask has been applied.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AttentionInterface

from harness.errors import ModelError
from harness.models.attention import ATTENTION_FUNCTION
from harness.models.loaded import LoadedModel

ROW_ATTENTION: Final = "kntests_rows"
"""Name under which transformers knows this attention function."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prefix:
    """What the rows of one block see besides themselves.

    Attributes:
        keys: of the prefix.
        values: of the prefix.
        mask: what a row's positions see of the prefix and of its own positions: added to the attention scores.
        positions: how many a row has.
    """

    keys: Float[Tensor, "queries key_heads tokens width"]
    values: Float[Tensor, "queries key_heads tokens width"]
    mask: Float[Tensor, "#queries #heads positions seen"]
    positions: int


_PREFIX: ContextVar[Prefix] = ContextVar("_PREFIX")


@contextmanager
def attending_by_row(model: LoadedModel) -> Generator[bool]:
    """Has the model attend by row, where its family can, for as long as its blocks are called one by one.

    Gives whether it does. A family whose attention does not go through transformers' interface cannot, nor does a model
    whose attention weights somebody is looking at.

    Args:
        model: the model; not to be run as a whole meanwhile, nor in another thread.

    Raises:
        ModelError: the family's row says that its attention goes through the interface, and it does not.
    """
    own = model.attention_implementation
    if not model.family.attention_interface or own == ATTENTION_FUNCTION:
        yield False
        return
    try:
        model.model.set_attn_implementation(ROW_ATTENTION)
        if model.attention_implementation != ROW_ATTENTION:
            raise ModelError(
                f"{model.name!r} ({model.family.model_type}) does not run its attention through transformers'"
                " interface: say attention_interface=False in its family's row",
                model=model.name,
            )
        yield True
    finally:
        model.model.set_attn_implementation(own)


@contextmanager
def seeing(prefix: Prefix) -> Generator[None]:
    """Tells the attention of the one block that is called inside what its rows see."""
    token = _PREFIX.set(prefix)
    try:
        yield
    finally:
        _PREFIX.reset(token)


def _attend(
    _module: nn.Module,
    query: Float[Tensor, "queries heads row_positions width"],
    key: Float[Tensor, "queries key_heads row_positions width"],
    value: Float[Tensor, "queries key_heads row_positions width"],
    _attention_mask: Tensor | None,
    scaling: float | None = None,
    softcap: float | None = None,
    **_others: Any,
) -> tuple[Tensor, None]:
    """Softmax over the prefix and a row's own positions, never below float32; query heads may share keys.

    It is written out, exponentials over their sum, so that the few own positions stay apart from the prefix; and
    because a softmax over so few numbers at a time takes several times as long.
    """
    prefix = _PREFIX.get()
    n, tokens = prefix.positions, prefix.keys.shape[2]
    grouped = (*key.shape[:2], query.shape[1] // key.shape[1])  # queries, key heads, query heads of each
    n_rows, width = query.shape[2] // n, query.shape[3]
    wide = torch.promote_types(query.dtype, torch.float32)
    query = query * (width**-0.5 if scaling is None else scaling)

    def by_row(heads: Tensor) -> Tensor:  # [queries, key heads, 1 or query heads of each, rows, positions, width]
        return heads.unflatten(1, (key.shape[1], -1)).unflatten(3, (n_rows, n))

    # All query heads of a key head and all rows at once: one matrix product for each key head.
    to_prefix = (query.reshape(*key.shape[:2], -1, width) @ prefix.keys.transpose(2, 3)).view(
        *grouped, n_rows, n, tokens
    )
    to_own = (by_row(query).unsqueeze(-2) * by_row(key).unsqueeze(-3)).sum(-1)
    if softcap is not None:
        to_prefix, to_own = (torch.tanh(scores / softcap) * softcap for scores in (to_prefix, to_own))
    mask = prefix.mask[:, :, None].unflatten(1, (-1, 1) if prefix.mask.shape[1] == 1 else grouped[1:])
    to_prefix, to_own = to_prefix.to(wide) + mask[..., :tokens], to_own.to(wide) + mask[..., tokens:]
    largest = to_own.detach().amax(-1, keepdim=True)
    if tokens:
        largest = largest.maximum(to_prefix.detach().amax(-1, keepdim=True))
    of_prefix, of_own = to_prefix.sub_(largest).exp_(), to_own.sub_(largest).exp_()
    total = of_prefix.sum(-1, keepdim=True) + of_own.sum(-1, keepdim=True)
    of_prefix, of_own = ((odds / total).to(query.dtype) for odds in (of_prefix, of_own))
    output = (of_prefix.view(*key.shape[:2], grouped[2] * n_rows * n, tokens) @ prefix.values).view(
        *grouped, n_rows, n, width
    )
    own = of_own.unsqueeze(-1) * by_row(value).unsqueeze(-3)
    output = output + (own.squeeze(-2) if n == 1 else own.sum(-2))
    return output.flatten(1, 2).flatten(2, 3).transpose(1, 2).contiguous(), None


# Global and for good, so under a name that nobody else uses. No mask is ever made for it: no model runs whole with it.
AttentionInterface.register(ROW_ATTENTION, _attend)
