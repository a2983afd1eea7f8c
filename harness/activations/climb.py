"""Rows: copies of the last token that enter at some layer with other neurons, and climb from there.

Rows of one query stand side by side as positions of one sequence that see the query's prefix and themselves, never each
other. So keys and values of the prefix are shared instead of copied, and every weight is read once for all rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.cache_utils import Cache

from harness.activations.calls import first_output
from harness.activations.last_token import BlockState, LastToken
from harness.models.hooks import replacing_input


def climb(state: LastToken, entries: Sequence[Float[Tensor, "queries rows d_ff"] | None]) -> Tensor:
    """Runs rows from the layer where they enter to the last block.

    A row that enters at layer l is the last token with layer l's neurons replaced; layers below are as they were. Where
    the FFN's output is added to the residual stream as it is, the row leaves block l at

        output_l + W_l (replaced - unmodified),    W_l the output projection,

    and no block below or at l has to be run for it. Elsewhere (a norm comes between) it goes through block l from the
    unmodified input, with the projection's input replaced.

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
        device = block.output.device  # blocks may lie on several
        rows = None if rows is None else rows.to(device)
        entry = None if entry is None else entry.to(device)
        if entry is not None and not state.model.family.ffn_added_as_is:
            below = block.input[:, None].expand(-1, entry.shape[1], -1)
            with replacing_input(projection, _put_last(entry)):
                rows = _run_block(state, block, module, _beside(rows, below))
            continue
        if rows is not None:
            rows = _run_block(state, block, module, rows)
        if entry is not None:
            new = block.output[:, None] + (projection(entry) - projection(block.neurons[:, None]))
            rows = _beside(rows, new)
    if rows is None:
        raise ValueError("no layer has an entry")
    return rows


def _beside(rows: Tensor | None, new: Tensor) -> Tensor:
    return new if rows is None else torch.cat([rows, new], dim=1)


def _put_last(entry: Float[Tensor, "queries rows d_ff"]) -> Callable[[Tensor], Tensor]:
    """Replaces the neurons of the last rows; some families flatten queries and rows before the projection."""

    def put(neurons: Tensor) -> Tensor:
        by_query = neurons.reshape(len(entry), -1, entry.shape[2])
        return torch.cat([by_query[:, : -entry.shape[1]], entry], dim=1).view(neurons.shape)

    return put


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


def _run_block(state: LastToken, block: BlockState, module: nn.Module, rows: Tensor) -> Tensor:
    """One block on the rows; in pieces where prefix and rows have to fit into what the block masks by position."""
    limit = state.model.context_length
    if not state.model.family.masks_by_position or limit is None:
        return _call_block(state, block, module, rows)
    pieces = rows.split(limit - block.prefix_keys.shape[2], dim=1)
    return torch.cat([_call_block(state, block, module, piece) for piece in pieces], dim=1)


def _call_block(state: LastToken, block: BlockState, module: nn.Module, rows: Tensor) -> Tensor:
    """The block called as it was called for the last token, but for cache, mask and what else runs over keys."""
    arguments = dict(block.arguments)
    for name, value in arguments.items():
        if isinstance(value, Cache):
            arguments[name] = _PrefixCache(block)
        elif name in state.model.family.key_biases and isinstance(value, Tensor):
            own = value[..., -1:].expand(*value.shape[:-1], rows.shape[1])
            arguments[name] = torch.cat([value[..., :-1], own], dim=-1)
    arguments["attention_mask"] = _row_mask(state, block, rows.shape[1])
    return first_output(module(rows, **arguments))


def _row_mask(state: LastToken, block: BlockState, n_rows: int) -> Tensor:
    """A row sees what the last token saw: its query's prefix, and itself in the last token's place.

    Returns:
        [queries or 1, heads or 1, rows, tokens + rows]: True where it sees, or what is added to the attention scores.
    """
    seen = block.arguments.get("attention_mask")
    if seen is None:  # sdpa needed none for the last token alone
        seen = torch.nn.functional.pad(state.prefix_mask.to(block.output.device), (0, 1), value=True)[:, None, None]
    blank = False if seen.dtype == torch.bool else torch.finfo(seen.dtype).min
    itself = torch.eye(n_rows, dtype=torch.bool, device=seen.device)
    return torch.cat(
        [
            seen[..., :-1].expand(-1, -1, n_rows, -1),
            torch.where(itself, seen[..., -1:], torch.full_like(seen[..., -1:], blank)),
        ],
        dim=-1,
    )
