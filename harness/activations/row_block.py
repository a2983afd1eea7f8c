"""A block called on rows: as it was called for the last token, but for what runs over tokens."""

from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache

from harness.activations.calls import first_output
from harness.activations.last_token import BlockState, LastToken
from harness.activations.row_attention import ROW_ATTENTION, Prefix, seeing

_BY_POSITION: Final = ("position_ids", "position_embeddings")
"""Arguments of blocks that say something of every position, in transformers' own names."""


def call_block(state: LastToken, block: BlockState, module: nn.Module, rows: Tensor) -> Tensor:
    """Runs one block on rows that see their query's prefix and themselves.

    A model that attends by row (`attending_by_row`) is told so; any other is given prefix and rows as one sequence, and
    a mask over it.

    Args:
        state: the unmodified run.
        block: the last token in this block.
        module: the block.
        rows: hidden states, [queries, rows * positions, d_model].

    Returns:
        Hidden states behind the block, likewise.
    """
    arguments, n_positions = dict(block.arguments), block.input.shape[1]
    n_rows = rows.shape[1] // n_positions
    by_row = state.model.attention_implementation == ROW_ATTENTION
    for name, value in arguments.items():
        if isinstance(value, Cache):
            arguments[name] = _RowsAlone() if by_row else _BehindPrefix(block)
        elif name in state.model.family.key_biases and isinstance(value, Tensor):
            prefix, own = value[..., :-n_positions], value[..., -n_positions:]
            arguments[name] = torch.cat([prefix, own.tile(n_rows)], dim=-1)
        elif name in _BY_POSITION and n_positions > 1:  # a single position is broadcast
            arguments[name] = _for_every_row(value, n_rows)
    seen = _seen(state, block)
    if not by_row:
        arguments["attention_mask"] = _row_mask(seen, n_positions, n_rows)
        return first_output(module(rows, **arguments))
    arguments["attention_mask"] = None
    mask = _additive(seen, rows.dtype)
    with seeing(Prefix(keys=block.prefix_keys, values=block.prefix_values, mask=mask, positions=n_positions)):
        return first_output(module(rows, **arguments))


class _RowsAlone(Cache):
    """Gives a block the rows' own keys and values, and stores nothing."""

    def __init__(self) -> None:
        pass

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
        """What it was given."""
        return key_states, value_states


class _BehindPrefix(Cache):
    """Gives a block the prefix's keys and values in front of the rows' own, and stores nothing."""

    def __init__(self, block: BlockState) -> None:
        self._block = block

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
        """Joins prefix and rows along the token axis."""
        return (
            torch.cat([self._block.prefix_keys, key_states], dim=2),
            torch.cat([self._block.prefix_values, value_states], dim=2),
        )


def _for_every_row(value: Any, n_rows: int) -> Any:
    """What a block is told of every position, [queries, positions, ...], once a row; rotary embeddings are a pair."""
    if isinstance(value, tuple):
        return tuple(_for_every_row(item, n_rows) for item in cast(tuple[Any, ...], value))
    return torch.cat([value] * n_rows, dim=1) if isinstance(value, Tensor) else value


def _seen(state: LastToken, block: BlockState) -> Tensor:
    """What the last token and the answer tokens behind it saw in the unmodified run.

    Returns:
        [queries or 1, heads or 1, positions, tokens + positions]: True where they see, or what is added to the
        attention scores.
    """
    seen, n = block.arguments.get("attention_mask"), block.input.shape[1]
    if seen is not None:
        return seen
    # sdpa needed none for the last token alone, nor where there is no prefix
    own = torch.ones(n, n, dtype=torch.bool, device=block.output.device).tril()
    prefix = state.prefix_mask.to(block.output.device)[:, None, None].expand(-1, -1, n, -1)
    return torch.cat([prefix, own.expand(len(prefix), 1, n, n)], dim=-1)


def _additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask as it is added to attention scores."""
    if seen.dtype != torch.bool:
        return seen
    return torch.zeros_like(seen, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)


def _row_mask(seen: Tensor, n: int, n_rows: int) -> Tensor:
    """A position sees what it saw in the unmodified run: its query's prefix, and of its own row what came before it.

    Args:
        seen: see `_seen`.
        n: positions of a row.
        n_rows: rows of a query.

    Returns:
        [queries or 1, heads or 1, rows * positions, tokens + rows * positions], of the kind of `seen`.
    """
    blank = False if seen.dtype == torch.bool else torch.finfo(seen.dtype).min
    prefix, own = seen[..., None, :, :-n].expand(-1, -1, n_rows, -1, -1), seen[..., None, :, None, -n:]
    same_row = torch.eye(n_rows, dtype=torch.bool, device=seen.device)[:, None, :, None]
    among_rows = torch.where(same_row, own, torch.full_like(own, blank))  # [..., row, position, row, position]
    return torch.cat([prefix.flatten(-3, -2), among_rows.flatten(-4, -3).flatten(-2)], dim=-1)
