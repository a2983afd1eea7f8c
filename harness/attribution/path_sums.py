"""Sums of gradients along straight paths, for many layers, nodes and queries at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from harness.activations.entries import Segment
from harness.activations.head import log_probability_and_gradient
from harness.activations.unmodified import Unmodified, climb_rows
from harness.attribution.node_sums import NodeSum


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathSums:
    """Sums along the paths of a batch.

    Attributes:
        scores: the wanted sum times what it is multiplied by.
        doubt: how rough the integrand is: the largest of what the null rules make of it, likewise multiplied; 0 where
            there are none.
        p_start: p(answer) at the start of the path.
    """

    scores: Float[Tensor, "queries layers d_ff"]
    doubt: Float[Tensor, "queries layers"]
    p_start: Float[Tensor, "queries layers"]


def path_sums(
    state: Unmodified,
    reference: Float[Tensor, "layers queries d_ff"],
    node_sum: NodeSum,
    *,
    layers: Sequence[int],
    times_value: bool,
) -> PathSums:
    """(v - r) sum_k w_k (d p(answer) / d neurons)(r + a_k (v - r)), with v the unmodified neurons of a layer.

    Args:
        state: the unmodified run.
        reference: where the paths start; of the chosen layers, in their order.
        node_sum: the nodes a_k, and weights.
        layers: whose neurons move, rising; each a path of its own.
        times_value: multiply by v instead of (v - r).
    """
    unmodified = state.neurons[list(layers)]
    moved = unmodified - reference
    wide = torch.promote_types(reference.dtype, torch.float32)
    nodes = torch.from_numpy(node_sum.nodes).to(reference)
    weights = torch.from_numpy(np.vstack([node_sum.weights, node_sum.null_rules])).to(reference.device, wide)
    shifts = [reference.new_zeros(len(weights), *way.shape).requires_grad_() for way in moved]
    entries: list[Segment | None] = [None] * state.model.n_layers
    for layer, start, way, shift in zip(layers, reference, moved, shifts, strict=True):
        entries[layer] = Segment(reference=start, moved=way, nodes=nodes, weights=weights, shifts=shift)
    with torch.enable_grad():
        hidden = state.model.final_norm(climb_rows(state, entries))
    log_p, slope = log_probability(state, hidden.detach(), gradient=True)
    assert slope is not None
    # d p = p d log p; relative to a query's largest, so that a narrow dtype holds what goes down through the blocks.
    p = log_p.exp()
    largest = p.amax(dim=1).clamp_min(torch.finfo(p.dtype).tiny)
    parts = (p / largest[:, None]).repeat_interleave(hidden.shape[1] // p.shape[1], dim=1)
    gradients = torch.autograd.grad(hidden, shifts, slope * parts[:, :, None].to(slope))
    multipliers = (unmodified if times_value else moved).to(log_p) * largest[:, None]
    found = [gradient.to(log_p) * way for gradient, way in zip(gradients, multipliers, strict=True)]
    scores, doubt = torch.stack([sums[0] for sums in found], dim=1), torch.zeros_like(log_p[:, : len(layers)])
    if len(weights) > 1:
        doubt = torch.stack([sums[1:].abs().amax(dim=(0, 2)) for sums in found], dim=1)
    return PathSums(scores=scores, doubt=doubt, p_start=p.view(len(p), len(layers), -1)[:, :, 0])


@torch.no_grad()
def answer_probability(
    state: Unmodified, neurons: Float[Tensor, "layers queries d_ff"] | None
) -> Float[Tensor, "queries layers"]:
    """p(answer) where one layer at a time has other neurons; one column, the unmodified p, where `neurons` is None."""
    rows = state.blocks[-1].output if neurons is None else climb_rows(state, [layer[:, None] for layer in neurons])
    return log_probability(state, state.model.final_norm(rows), gradient=False)[0].exp()


def log_probability(
    state: Unmodified, hidden: Float[Tensor, "queries row_positions d_head"], *, gradient: bool
) -> tuple[Float[Tensor, "queries rows"], Float[Tensor, "queries row_positions d_head"] | None]:
    """log p(answer) of rows that came through the final norm, the sum over their positions, and its gradient."""
    queries, n_positions = state.answer.shape
    log_p, slope = log_probability_and_gradient(
        state.model.head,
        hidden.flatten(0, 1),
        state.answer.to(hidden.device).repeat(1, hidden.shape[1] // n_positions).flatten(),
        softcap=state.model.softcap,
        gradient=gradient,
    )
    return log_p.view(queries, -1, n_positions).sum(2), None if slope is None else slope.view_as(hidden)
