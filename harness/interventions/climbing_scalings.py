"""Scaled neurons on the exact engine: one row an item, which enters at its lowest layer and is scaled as it climbs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.activations.head import log_probability_and_gradient
from harness.activations.unmodified import Unmodified, climb_rows, run_unmodified
from harness.interventions.neurons import NeuronScaling, PlacedScalings
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

_ROWS_AT_ONCE = 512
"""Rows of a batch: enough for matrix products at full speed."""
_TOKENS_AT_ONCE = 4096
"""Prefix tokens of a batch, padding counted; in a masked model, where a row is a sentence, the tokens of all rows."""
_ROWS_A_QUERY = 64
"""More items of one query are spread over several copies of it: rows of one query are compared with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """Items of one query that climb side by side.

    Attributes:
        query: index of the query.
        items: indices of the items, by the lowest layer that they touch.
        lowest: that layer of each.
    """

    query: int
    items: tuple[int, ...]
    lowest: tuple[int, ...]


@torch.no_grad()
def log_p_climbing(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    items: Sequence[tuple[int, NeuronScaling]],
    batch_size: int | None,
) -> tuple[Float[np.ndarray, " queries"], Float[np.ndarray, " items"]]:
    """log p(answer) of every query unmodified, and of every item scaled at the last query token.

    Every query has as many rows as any other of its batch, in columns. The rows of a column enter together, at the
    lowest layer that one of them touches; up to its own lowest layer a row is the unmodified last token. Nothing is
    approximated.

    Args:
        model: the model to run.
        queries: any number, of any lengths.
        items: index of a query and what is done to it; each changes something.
        batch_size: rows at once; None for what runs at full speed.

    Raises:
        ConfigError: a neuron lies outside the model.
    """
    dtype = torch.promote_types(model.dtype, torch.float32)
    before, after = torch.empty(len(queries), dtype=dtype), torch.empty(len(items), dtype=dtype)
    for batch in _batches(model, queries, items, batch_size):
        state = run_unmodified(model, [queries[chunk.query] for chunk in batch])
        each = torch.arange(len(batch))
        before[[chunk.query for chunk in batch]] = _log_p(state, state.blocks[-1].output[:, 0], each).cpu()
        of_batch = [i for chunk in batch for i in chunk.items]
        if of_batch:
            row = each.repeat_interleave(torch.tensor([len(chunk.items) for chunk in batch]))
            column = torch.cat([torch.arange(len(chunk.items)) for chunk in batch])
            rows = _climb(state, batch, [items[i][1] for i in of_batch], row, column)
            after[of_batch] = _log_p(state, rows[row.to(rows.device), column.to(rows.device)], row).cpu()
    return before.numpy(), after.numpy()


def _climb(
    state: Unmodified,
    batch: Sequence[_Chunk],
    scalings: Sequence[NeuronScaling],
    row: Int[Tensor, " items"],
    column: Int[Tensor, " items"],
) -> Float[Tensor, "queries rows d_model"]:
    """Hidden states after the last block, every row in its column; the unmodified token's where there is no item."""
    model, placed = state.model, PlacedScalings.of(scalings, state.model)
    width = max(len(chunk.items) for chunk in batch)
    enters = [min(chunk.lowest[at] for chunk in batch if at < len(chunk.items)) for at in range(width)]
    entries: list[Tensor | None] = []
    scales: list[Tensor | None] = []
    for layer, block in enumerate(state.blocks):
        below, new = sum(e < layer for e in enters), sum(e == layer for e in enters)
        found = placed.scales(layer, model)
        by_row = None
        if found is not None:
            by_row = found.new_ones(len(batch), width, model.d_ff)
            by_row[row, column] = found
        neurons = block.neurons[:, None].expand(-1, new, -1)
        entering = None if by_row is None else by_row[:, below : below + new].to(neurons.device)
        entries.append(neurons * entering if new and entering is not None else None)
        scales.append(by_row[:, :below] if below and by_row is not None else None)
    return climb_rows(state, entries, scales)


def _log_p(state: Unmodified, hidden: Float[Tensor, "rows d_model"], query: Int[Tensor, " rows"]) -> Tensor:
    """log p(answer) of rows after the last block, each of the query at `query` of the batch."""
    read = state.model.final_norm(hidden)
    answer = state.answer[:, 0].to(read.device)[query.to(read.device)]
    return log_probability_and_gradient(state.model.head, read, answer, softcap=state.model.softcap, gradient=False)[0]


def _batches(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    items: Sequence[tuple[int, NeuronScaling]],
    batch_size: int | None,
) -> Iterator[list[_Chunk]]:
    """Chunks of alike many items and alike long queries, cut where a batch is full; every query is in one at least."""
    batch: list[_Chunk] = []
    chunks = list(_chunks(len(queries), items, batch_size or _ROWS_A_QUERY))
    for chunk in sorted(chunks, key=lambda c: (-len(c.items), -len(queries[c.query].prompt_ids), c.lowest)):
        longer = [*batch, chunk]
        rows = len(longer) * len(longer[0].items)  # the first has most
        tokens = len(longer) * max(len(queries[c.query].prompt_ids) for c in longer)
        tokens *= max(len(longer[0].items), 1) if model.family.masked else 1
        full = rows > (batch_size or _ROWS_AT_ONCE) or (batch_size is None and tokens > _TOKENS_AT_ONCE)
        if batch and full:
            yield batch
            batch = []
        batch.append(chunk)
    if batch:
        yield batch


def _chunks(n_queries: int, items: Sequence[tuple[int, NeuronScaling]], limit: int) -> Iterator[_Chunk]:
    """Items by query and lowest layer, at most `limit` a chunk; a query without items has one chunk without any."""
    lowest = [min(scaling.neurons).layer for _, scaling in items]
    by_query: list[list[int]] = [[] for _ in range(n_queries)]
    for i in sorted(range(len(items)), key=lambda i: lowest[i]):
        by_query[items[i][0]].append(i)
    for query, own in enumerate(by_query):
        for start in range(0, max(len(own), 1), limit):
            part = tuple(own[start : start + limit])
            yield _Chunk(query=query, items=part, lowest=tuple(lowest[i] for i in part))
