"""Rows: copies of the last token that enter at some layer with other neurons, and climb from there.

Rows of one query stand side by side as positions of one sequence that see the query's prefix and themselves, never each
other. So keys and values of the prefix are shared instead of copied, and every weight is read once for all rows.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers.cache_utils import Cache

from harness.activations.last_token import BlockState, LastToken


def climb(state: LastToken, entries: Sequence[Float[Tensor, "queries rows d_ff"] | None]) -> Tensor:
    """Runs rows from the layer where they enter to the last block.

    A row that enters at layer l is the last token with layer l's neurons replaced; layers below are as they were. Since
    the FFN's output is added to the residual stream, the row leaves block l at

        output_l + W_l (replaced - unmodified),    W_l the output projection,

    and no block below or at l has to be run for it.

    Args:
        state: the unmodified run.
        entries: for every layer the neurons that its rows have instead, or None; differentiable.

    Returns:
        Hidden states after the last block, [queries, rows, d_model], rows ordered by the layer of entry.
    """
    rows: Tensor | None = None
    for block, module, projection, entry in zip(
        state.blocks, state.model.blocks, state.model.output_projections, entries, strict=True
    ):
        if rows is not None:
            rows = _run_block(state, block, module, rows)
        if entry is not None:
            new = block.output[:, None] + (projection(entry) - projection(block.neurons[:, None]))
            rows = new if rows is None else torch.cat([rows, new], dim=1)
    if rows is None:
        raise ValueError("no layer has an entry")
    return rows


class _PrefixCache(Cache):
    """Gives a block the prefix's keys and values in front of the rows' own, and stores nothing."""

    def __init__(self, block: BlockState) -> None:
        self._block = block

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
        """Joins prefix and rows along the token axis."""
        return (
            torch.cat([self._block.prefix_keys, key_states], dim=2),
            torch.cat([self._block.prefix_values, value_states], dim=2),
        )


def _run_block(state: LastToken, block: BlockState, module: torch.nn.Module, rows: Tensor) -> Tensor:
    """One block on the rows, called as it was called for the last token, but for cache and mask."""
    mask = _row_mask(state, block, rows.shape[1])

    def adapted(value: Any) -> Any:
        if isinstance(value, Cache):
            return _PrefixCache(block)
        return mask if isinstance(value, Tensor) and value.dim() == 4 else value

    kwargs = {name: adapted(value) for name, value in block.kwargs.items()}
    args = tuple(adapted(value) for value in block.args)
    if not any(value is mask for value in (*args, *kwargs.values())):
        kwargs["attention_mask"] = mask  # the last token alone needed none
        args = args[:1]
    output = module(rows, *args, **kwargs)
    return output[0] if isinstance(output, tuple) else output


def _row_mask(state: LastToken, block: BlockState, n_rows: int) -> Tensor:
    """A row sees its query's prefix and itself, [queries, 1, rows, tokens + rows]; additive for eager attention."""
    queries, tokens = state.prefix_mask.shape
    device = state.prefix_mask.device
    allowed = torch.cat(
        [
            state.prefix_mask[:, None, None, :].expand(queries, 1, n_rows, tokens),
            torch.eye(n_rows, dtype=torch.bool, device=device).expand(queries, 1, n_rows, n_rows),
        ],
        dim=-1,
    )
    if state.model.attention_implementation != "eager":
        return allowed
    lowest = torch.finfo(block.output.dtype).min
    return torch.zeros_like(allowed, dtype=block.output.dtype).masked_fill_(~allowed, lowest)
