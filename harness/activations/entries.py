"""What rows enter a layer with: neurons of their own each, or the points of a straight path."""

from dataclasses import dataclass, fields, replace
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """Rows on a straight path that ends at the unmodified neurons, moved together by shifts that are zero.

    Row k of a query has the neurons

        reference + nodes_k * moved + sum_j weights_jk * shifts_j,    moved = unmodified - reference.

    So the sum over rows of their gradients, the k-th counted weights_jk times, is the gradient with respect to the j-th
    shift; and what a projection makes of a straight path is a straight path: neither is ever computed row by row.

    Attributes:
        reference: where the path starts.
        moved: from there to the unmodified neurons.
        nodes: places on the path, in [0, 1].
        weights: how much each row counts, once a sum; never below float32.
        shifts: zeros that want a gradient, one a sum.
    """

    reference: Float[Tensor, "queries d_ff"]
    moved: Float[Tensor, "queries d_ff"]
    nodes: Float[Tensor, " rows"]
    weights: Float[Tensor, "sums rows"]
    shifts: Float[Tensor, "sums queries d_ff"]

    def to(self, device: torch.device) -> "Segment":
        """The same path on another device."""
        return replace(self, **{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    def neurons(self) -> Float[Tensor, "queries rows d_ff"]:
        """The neurons of every row."""
        return self.reference[:, None] + self.nodes[:, None] * self.moved[:, None] + self._by_row(self.shifts)

    def projected_change(self, projection: nn.Module) -> Float[Tensor, "queries rows d_model"]:
        """W (neurons - unmodified) of every row, W the projection without its bias."""
        shifts = projection(self.shifts)  # of zeros: the bias
        moved = projection(self.moved) - shifts[0].detach()
        return (self.nodes[:, None] - 1) * moved[:, None] + self._by_row(shifts - shifts.detach())

    def _by_row(self, shifts: Float[Tensor, "sums queries width"]) -> Float[Tensor, "queries rows width"]:
        """What the shifts, which are zero, add to every row: only their gradients count, summed in full precision."""
        return torch.einsum("jk,jqw->qkw", self.weights, shifts.to(self.weights)).to(shifts)


Entry: TypeAlias = Float[Tensor, "queries _rows d_ff"] | Segment
"""The neurons that the rows of one layer have instead of the unmodified ones."""


def entry_neurons(entry: Entry) -> Float[Tensor, "queries rows d_ff"]:
    """The neurons of every row of an entry."""
    return entry.neurons() if isinstance(entry, Segment) else entry


def projected_change(
    entry: Entry, projection: nn.Module, unmodified: Float[Tensor, "queries d_ff"]
) -> Float[Tensor, "queries rows d_model"]:
    """W (neurons - unmodified) of every row of an entry, W the projection without its bias."""
    if isinstance(entry, Segment):
        return entry.projected_change(projection)
    return projection(entry) - projection(unmodified[:, None])
