"""Attention maps of queries, whole or reduced to what Eq. 4 to 6 need of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from harness.activations.whole_queries import batches_by_length, padded_ids
from harness.models.attention import intercepting_attention
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttentionMaps:
    """The attention weights of one query.

    Attributes:
        weights: after the softmax: row r is what token r gives to every token, so it sums to 1 where the family keeps
            no sink beside the tokens. Heads are query heads, those that share keys and values included.
    """

    weights: Float[np.ndarray, "layers query_heads tokens tokens"]

    @property
    def last_row(self) -> Float[np.ndarray, "layers query_heads tokens"]:
        """What the last query token gives to every token."""
        return self.weights[:, :, -1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttentionSums:
    """What predominance and knowledge synapses need of a query's maps.

    Attributes:
        columns: sum over rows r of A(r, c): what a position gets from all tokens.
        rows: sum over columns c of A(r, c): what a token gives away, 1 up to rounding.
    """

    columns: Float[np.ndarray, "layers query_heads tokens"]
    rows: Float[np.ndarray, "layers query_heads tokens"]

    @property
    def mean_columns(self) -> Float[np.ndarray, " tokens"]:
        """Column sums of the mean map of Eq. 4."""
        return self.columns.mean(axis=(0, 1))

    @property
    def mean_rows(self) -> Float[np.ndarray, " tokens"]:
        """Row sums of the mean map of Eq. 4."""
        return self.rows.mean(axis=(0, 1))


def attention_maps(
    model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None = None
) -> list[AttentionMaps]:
    """The maps of every layer and query head.

    The weights are those of the family's eager attention, on the query alone.

    Args:
        model: the model to run; left as it was.
        queries: any number, of any lengths.
        batch_size: queries at once; None for a batch of a moderate number of tokens.

    Returns:
        One entry a query, in order; on the host, at least float32.
    """

    return [AttentionMaps(weights=np.stack(layers)) for layers in _per_query(model, queries, np.array, batch_size)]


def attention_sums(
    model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None = None
) -> list[AttentionSums]:
    """Column and row sums of every map, taken layer by layer, so that no more than one layer's maps are kept.

    Args:
        model: the model to run; left as it was.
        queries: any number, of any lengths.
        batch_size: queries at once; None for a batch of a moderate number of tokens.

    Returns:
        One entry a query, in order; on the host, float64.
    """

    def sums(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return weights.sum(axis=1, dtype=np.float64), weights.sum(axis=2, dtype=np.float64)

    found = _per_query(model, queries, sums, batch_size)
    return [
        AttentionSums(columns=np.stack([columns for columns, _ in layers]), rows=np.stack([rows for _, rows in layers]))
        for layers in found
    ]


_T = TypeVar("_T")


@torch.no_grad()
def _per_query(
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    reduce: Callable[[np.ndarray], _T],
    batch_size: int | None,
) -> list[list[_T]]:
    """`reduce` of every query's own weights, [query heads, tokens, tokens], layer by layer while they are in memory."""
    lengths = [len(query.prompt_ids) for query in queries]
    found: list[list[_T]] = [[] for _ in queries]
    for batch in batches_by_length(lengths, batch_size):

        def look(_layer: int, weights: Tensor, batch: list[int] = batch) -> Tensor:
            on_host = weights.to(torch.promote_types(weights.dtype, torch.float32)).cpu().numpy()
            for index, padded in zip(batch, on_host, strict=True):
                found[index].append(reduce(padded[:, : lengths[index], : lengths[index]]))
            return weights

        with intercepting_attention(model, look):
            model.model.base_model(input_ids=padded_ids(model, [queries[i] for i in batch]), use_cache=False)
    return found
