"""Suppressing and enhancing synapses: attention weights after the softmax times a factor."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from harness.errors import ConfigError
from harness.models.attention import intercepting_attention
from harness.models.loaded import LoadedModel
from harness.synapses import SynapseSet

SUPPRESS: Final = 0.0
ENHANCE: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseScaling:
    """What is done to the attention of one query: every row of the synapses' columns times a factor.

    The synapses are those of the unmodified run, and are scaled in all layers at once.

    Attributes:
        synapses: columns of query heads; none beyond the query.
        factor: 0 suppresses, 2 enhances.
        renormalise: whether a row that was changed is divided so that it sums to what it did. A row that keeps nothing
            stays zero: there is nothing left to share its attention among.

    Raises:
        ConfigError: the factor is negative or not finite.
    """

    synapses: SynapseSet
    factor: float
    renormalise: bool = False

    def __post_init__(self) -> None:
        """Checks the factor."""
        if not 0 <= self.factor < float("inf"):
            raise ConfigError(
                f"attention weights are scaled by a finite factor of at least 0, got {self.factor}",
                setting="factor",
                value=self.factor,
            )

    @property
    def changes_nothing(self) -> bool:
        """Whether the weights stay as they are."""
        return self.factor == 1 or not self.synapses


@contextmanager
def scaling_synapses(model: LoadedModel, scalings: Sequence[SynapseScaling]) -> Generator[None]:
    """Scales the attention weights of every forward pass inside; nested, factors multiply from the outside in.

    Args:
        model: the model; left as it was.
        scalings: one for each row of the batch that will be run.

    Raises:
        ConfigError: a synapse lies outside the model, or the batch is of another size or has no such column.
        ModelError: see `intercepting_attention`.
    """
    placed = _placed(scalings, model.n_layers)
    renormalise = torch.tensor([scaling.renormalise for scaling in scalings])

    def change(layer: int, weights: Tensor) -> Tensor:
        entries = placed[layer]
        if entries is None:
            return weights
        item, head, column, factor = entries
        _check(len(scalings), head, column, weights)
        scale = weights.new_ones(weights.shape[0], weights.shape[1], 1, weights.shape[3])
        scale[item, head, 0, column] = factor.to(weights)
        scaled = weights * scale
        return _renormalised(scaled, weights, renormalise) if renormalise.any() else scaled

    with intercepting_attention(model, change):
        yield


_Entries = tuple[Tensor, Tensor, Tensor, Tensor]


def _placed(scalings: Sequence[SynapseScaling], n_layers: int) -> list[_Entries | None]:
    """Layer by layer: item, head, column and factor of every synapse that is scaled there; None where there is none."""
    indices = [torch.from_numpy(scaling.synapses.indices()) for scaling in scalings]
    column, layer, head = torch.cat([*indices, torch.zeros(0, 3, dtype=torch.long)]).T
    sizes = torch.tensor([len(scaling.synapses) for scaling in scalings])
    item = torch.arange(len(scalings)).repeat_interleave(sizes)
    factor = torch.tensor([scaling.factor for scaling in scalings], dtype=torch.float64)[item]
    if len(layer) and int(layer.max()) >= n_layers:
        raise ConfigError(
            f"a synapse lies in layer {int(layer.max())}, the model has {n_layers}", setting="synapses", value=scalings
        )
    found: list[_Entries | None] = []
    for wanted in range(n_layers):
        here = layer == wanted
        found.append((item[here], head[here], column[here], factor[here]) if here.any() else None)
    return found


def _check(n_scalings: int, head: Tensor, column: Tensor, weights: Tensor) -> None:
    """Raises ConfigError where the scalings do not fit the batch that came."""
    batch, heads, _, columns = weights.shape
    if batch != n_scalings:
        raise ConfigError(
            f"{n_scalings} scalings for a batch of {batch}; there is one a row", setting="scalings", value=n_scalings
        )
    if int(head.max()) >= heads or int(column.max()) >= columns:
        raise ConfigError(
            f"a synapse on head {int(head.max())} or column {int(column.max())} lies outside {heads} query heads and"
            f" {columns} columns; SynapseSet.within drops columns beyond a query",
            setting="synapses",
            value=(int(head.max()), int(column.max())),
        )


def _renormalised(
    scaled: Float[Tensor, "items query_heads padded padded"],
    weights: Float[Tensor, "items query_heads padded padded"],
    wanted: Bool[Tensor, " items"],
) -> Float[Tensor, "items query_heads padded padded"]:
    """Rows of the wanted items with the sum that they had; those that kept it, or kept nothing, as they are."""
    at_least = torch.promote_types(weights.dtype, torch.float32)
    before = weights.sum(-1, keepdim=True, dtype=at_least)
    after = scaled.sum(-1, keepdim=True, dtype=at_least)
    moved = wanted.to(after.device)[:, None, None, None] & (after != before) & (after > 0)
    # First the share, which is at most 1, then the sum: the other way round a row that is nearly empty overflows.
    return torch.where(moved, scaled.to(at_least) / torch.where(moved, after, 1) * before, scaled).to(weights)
