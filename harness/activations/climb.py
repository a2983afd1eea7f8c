"""Rows: copies of the last token that enter at some layer with other neurons, and climb from there.

Rows of one query stand side by side as positions of one sequence that see the query's prefix and themselves, never each
other. So keys and values of the prefix are shared instead of copied, and every weight is read once for all rows. Where
several answer tokens count, a row is as many adjacent positions: the last token, whose neurons are other ones, and the
answer tokens behind it, which are as they were up to the layer of entry and see the row's last token above it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.cache_utils import Cache

from harness.activations.calls import first_output
from harness.activations.last_token import BlockState, LastToken
from harness.models.hooks import replacing_input

_BY_POSITION: Final = ("position_ids", "position_embeddings")
"""Arguments of blocks that say something of every position, in transformers' own names."""


def climb(
    state: LastToken,
    entries: Sequence[Float[Tensor, "queries _rows d_ff"] | None],
    scales: Sequence[Float[Tensor, "queries _below d_ff"] | None] | None = None,
) -> Tensor:
    """Runs rows from the layer where they enter to the last block.

    A row that enters at layer l is the last token with layer l's neurons replaced; layers below are as they were. Where
    the FFN's output is added to the residual stream as it is, the row leaves block l at

        output_l + W_l (replaced - unmodified),    W_l the output projection,

    and no block below or at l has to be run for it. Elsewhere (a norm comes between) it goes through block l from the
    unmodified input, with the projection's input replaced. Answer tokens leave block l as they were either way.

    Args:
        state: the unmodified run.
        entries: for every layer the neurons that its rows have instead, or None; differentiable.
        scales: for every layer what the neurons of the rows that entered below are multiplied by at their last query
            token as they pass, or None; None for rows that pass as they are.

    Returns:
        Hidden states after the last block, [queries, rows * positions, d_model]: the positions of a row are adjacent,
        rows ordered by the layer of entry.
    """
    rows: Tensor | None = None
    for block, module, projection, entry, scale in zip(
        state.blocks,
        state.model.blocks,
        state.model.output_projections,
        entries,
        scales or [None] * len(entries),
        strict=True,
    ):
        device = block.output.device  # blocks may lie on several
        rows = None if rows is None else rows.to(device)
        entry = None if entry is None else entry.to(device)
        scale = None if scale is None else scale.to(device)
        if entry is not None and not state.model.family.ffn_added_as_is:
            below = block.input[:, None].expand(-1, entry.shape[1], -1, -1).flatten(1, 2)
            with replacing_input(projection, _put_last(entry, block.input.shape[1])):
                rows = _run_block(state, block, module, projection, _beside(rows, below), scale)
            continue
        if rows is not None:
            rows = _run_block(state, block, module, projection, rows, scale)
        if entry is not None:
            last = block.output[:, :1] + (projection(entry) - projection(block.neurons[:, None]))
            rows = _beside(rows, _in_front(last, block.output[:, None, 1:].expand(-1, entry.shape[1], -1, -1)))
    if rows is None:
        raise ValueError("no layer has an entry")
    return rows


def _beside(rows: Tensor | None, new: Tensor) -> Tensor:
    return new if rows is None else torch.cat([rows, new], dim=1)


def _in_front(
    last: Float[Tensor, "queries rows width"], behind: Float[Tensor, "queries rows answer_positions width"]
) -> Tensor:
    """Rows put together from their last query token and the answer tokens behind it, as adjacent positions."""
    return torch.cat([last[:, :, None], behind], dim=2).flatten(1, 2) if behind.shape[2] else last


def _put_last(entry: Float[Tensor, "queries rows d_ff"], n_positions: int) -> Callable[[Tensor], Tensor]:
    """Replaces the neurons of the last rows at their last query token.

    Some families flatten queries and rows before the projection.
    """
    n_rows = entry.shape[1]

    def put(neurons: Tensor) -> Tensor:
        by_query = neurons.reshape(len(entry), -1, entry.shape[2])
        before, own = by_query[:, : -n_rows * n_positions], by_query[:, -n_rows * n_positions :]
        replaced = _in_front(entry, own.unflatten(1, (n_rows, n_positions))[:, :, 1:])
        return torch.cat([before, replaced], dim=1).view(neurons.shape)

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


def _run_block(
    state: LastToken, block: BlockState, module: nn.Module, projection: nn.Module, rows: Tensor, scale: Tensor | None
) -> Tensor:
    """One block on the rows; in pieces where prefix and rows have to fit into what the block masks by position."""
    limit, n_positions = state.model.context_length, block.input.shape[1]
    if not state.model.family.masks_by_position or limit is None:
        with _scaling(projection, scale, n_positions):
            return _call_block(state, block, module, rows)
    room = (limit - block.prefix_keys.shape[2]) // n_positions
    pieces = rows.split(room * n_positions, dim=1)
    scales = [None] * len(pieces) if scale is None else scale.split(room, dim=1)
    ran: list[Tensor] = []
    for piece, of_piece in zip(pieces, scales, strict=True):
        with _scaling(projection, of_piece, n_positions):
            ran.append(_call_block(state, block, module, piece))
    return torch.cat(ran, dim=1)


def _scaling(projection: nn.Module, scale: Tensor | None, n_positions: int) -> AbstractContextManager[None]:
    """Multiplies the neurons of the first rows at their last query token; those that enter here come behind them."""
    if scale is None:
        return nullcontext()

    def multiply(neurons: Tensor) -> Tensor:
        by_row = neurons.reshape(len(scale), -1, n_positions, scale.shape[2]).clone()
        by_row[:, : scale.shape[1], 0] *= scale
        return by_row.view(neurons.shape)

    return replacing_input(projection, multiply)


def _call_block(state: LastToken, block: BlockState, module: nn.Module, rows: Tensor) -> Tensor:
    """The block called as it was called for the last token, but for cache, mask and what else runs over tokens."""
    arguments, n_positions = dict(block.arguments), block.input.shape[1]
    n_rows = rows.shape[1] // n_positions
    for name, value in arguments.items():
        if isinstance(value, Cache):
            arguments[name] = _PrefixCache(block)
        elif name in state.model.family.key_biases and isinstance(value, Tensor):
            prefix, own = value[..., :-n_positions], value[..., -n_positions:]
            arguments[name] = torch.cat([prefix, own.tile(n_rows)], dim=-1)
        elif name in _BY_POSITION and n_positions > 1:  # a single position is broadcast
            arguments[name] = _for_every_row(value, n_rows)
    arguments["attention_mask"] = _row_mask(state, block, n_rows)
    return first_output(module(rows, **arguments))


def _for_every_row(value: Any, n_rows: int) -> Any:
    """What a block is told of every position, [queries, positions, ...], once a row; rotary embeddings are a pair."""
    if isinstance(value, tuple):
        return tuple(_for_every_row(item, n_rows) for item in cast(tuple[Any, ...], value))
    return torch.cat([value] * n_rows, dim=1) if isinstance(value, Tensor) else value


def _row_mask(state: LastToken, block: BlockState, n_rows: int) -> Tensor:
    """A position sees what it saw in the unmodified run: its query's prefix, and of its own row what came before it.

    Returns:
        [queries or 1, heads or 1, rows * positions, tokens + rows * positions]: True where it sees, or what is added to
        the attention scores.
    """
    seen, n = block.arguments.get("attention_mask"), block.input.shape[1]
    if seen is None:  # sdpa needed none for the last token alone, nor where there is no prefix
        own = torch.ones(n, n, dtype=torch.bool, device=block.output.device).tril()
        prefix = state.prefix_mask.to(block.output.device)[:, None, None].expand(-1, -1, n, -1)
        seen = torch.cat([prefix, own.expand(len(prefix), 1, n, n)], dim=-1)
    blank = False if seen.dtype == torch.bool else torch.finfo(seen.dtype).min
    prefix, own = seen[..., None, :, :-n].expand(-1, -1, n_rows, -1, -1), seen[..., None, :, None, -n:]
    same_row = torch.eye(n_rows, dtype=torch.bool, device=seen.device)[:, None, :, None]
    among_rows = torch.where(same_row, own, torch.full_like(own, blank))  # [..., row, position, row, position]
    return torch.cat([prefix.flatten(-3, -2), among_rows.flatten(-4, -3).flatten(-2)], dim=-1)
