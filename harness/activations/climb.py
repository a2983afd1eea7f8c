"""Rows: copies of the last token that enter at some layer with other neurons, and climb from there.

Rows of one query stand side by side as positions of one sequence that see the query's prefix and themselves, never each
other. So keys and values of the prefix are shared instead of copied, and every weight is read once for all rows. Where
several answer tokens count, a row is as many adjacent positions: the last token, whose neurons are other ones, and the
answer tokens behind it, which are as they were up to the layer of entry and see the row's last token above it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn

from harness.activations.entries import Entry, entry_neurons, projected_change
from harness.activations.last_token import BlockState, LastToken
from harness.activations.row_attention import attending_by_row
from harness.activations.row_block import call_block
from harness.models.hooks import replacing_input


def climb(
    state: LastToken,
    entries: Sequence[Entry | None],
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
    with attending_by_row(state.model):
        return _climb(state, entries, scales or [None] * len(entries))


def _climb(
    state: LastToken,
    entries: Sequence[Entry | None],
    scales: Sequence[Float[Tensor, "queries _below d_ff"] | None],
) -> Tensor:
    rows: Tensor | None = None
    for block, module, projection, entry, scale in zip(
        state.blocks,
        state.model.blocks,
        state.model.output_projections,
        entries,
        scales,
        strict=True,
    ):
        device = block.output.device  # blocks may lie on several
        rows = None if rows is None else rows.to(device)
        entry = None if entry is None else entry.to(device)
        scale = None if scale is None else scale.to(device)
        if entry is not None and not state.model.family.ffn_added_as_is:
            neurons = entry_neurons(entry)
            below = block.input[:, None].expand(-1, neurons.shape[1], -1, -1).flatten(1, 2)
            with replacing_input(projection, _put_last(neurons, block.input.shape[1])):
                rows = _run_block(state, block, module, projection, _beside(rows, below), scale)
            continue
        if rows is not None:
            rows = _run_block(state, block, module, projection, rows, scale)
        if entry is not None:
            last = block.output[:, :1] + projected_change(entry, projection, block.neurons)
            rows = _beside(rows, _in_front(last, block.output[:, None, 1:].expand(-1, last.shape[1], -1, -1)))
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


def _run_block(
    state: LastToken, block: BlockState, module: nn.Module, projection: nn.Module, rows: Tensor, scale: Tensor | None
) -> Tensor:
    """One block on the rows; in pieces where prefix and rows have to fit into what the block masks by position."""
    limit, n_positions = state.model.context_length, block.input.shape[1]
    if not state.model.family.masks_by_position or limit is None:
        with _scaling(projection, scale, n_positions):
            return call_block(state, block, module, rows)
    room = (limit - block.prefix_keys.shape[2]) // n_positions
    pieces = rows.split(room * n_positions, dim=1)
    scales = [None] * len(pieces) if scale is None else scale.split(room, dim=1)
    ran: list[Tensor] = []
    for piece, of_piece in zip(pieces, scales, strict=True):
        with _scaling(projection, of_piece, n_positions):
            ran.append(call_block(state, block, module, piece))
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
