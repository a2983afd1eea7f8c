"""Sums over points of straight paths, of the gradient of p(answer), for many layers, points and queries at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from harness.activations.entries import Segment
from harness.activations.head import log_probability_and_gradient
from harness.activations.unmodified import Unmodified, climb_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientSums:
    """What was found at the points of the paths of a batch; never below float32.

    Attributes:
        sums: sums over the points of d p(answer) / d neurons.
        p: p(answer) at every point.
    """

    sums: Float[Tensor, "sums queries layers d_ff"]
    p: Float[Tensor, "queries layers nodes"]


def gradient_sums(
    state: Unmodified,
    reference: Float[Tensor, "layers queries d_ff"],
    *,
    nodes: Float[np.ndarray, " nodes"],
    coefficients: Float[np.ndarray, "sums nodes"],
    layers: Sequence[int],
) -> GradientSums:
    """sum_k c_jk (d p(answer) / d neurons)(r + a_k (v - r)) for every j, with v the unmodified neurons of a layer.

    Args:
        state: the unmodified run.
        reference: where the paths start, r; of the chosen layers, in their order.
        nodes: the points a_k on [0, 1].
        coefficients: how much each counts, c; once a sum.
        layers: whose neurons move, rising; each a path of its own.
    """
    moved = state.neurons[list(layers)] - reference
    wide = torch.promote_types(reference.dtype, torch.float32)
    points = torch.from_numpy(nodes).to(reference)
    weights = torch.from_numpy(coefficients).to(reference.device, wide)
    shifts = [reference.new_zeros(len(weights), *way.shape).requires_grad_() for way in moved]
    entries: list[Segment | None] = [None] * state.model.n_layers
    for layer, start, way, shift in zip(layers, reference, moved, shifts, strict=True):
        entries[layer] = Segment(reference=start, moved=way, nodes=points, weights=weights, shifts=shift)
    with torch.enable_grad():
        hidden = state.model.final_norm(climb_rows(state, entries))
    log_p, slope = _log_probability(state, hidden.detach(), gradient=True)
    assert slope is not None
    # d p = p d log p; relative to a query's largest, so that a narrow dtype holds what goes down through the blocks.
    p = log_p.exp()
    largest = p.amax(dim=1, keepdim=True).clamp_min(torch.finfo(p.dtype).tiny)
    parts = (p / largest).repeat_interleave(hidden.shape[1] // p.shape[1], dim=1)
    gradients = torch.autograd.grad(hidden, shifts, slope * parts[:, :, None].to(slope))
    sums = torch.stack(gradients, dim=2).to(log_p).mul_(largest[:, :, None])
    return GradientSums(sums=sums, p=p.view(len(p), len(layers), -1))


@torch.no_grad()
def answer_probability(state: Unmodified) -> Float[Tensor, " queries"]:
    """p(answer) of the unmodified run, of all answer tokens that count."""
    return _log_probability(state, state.model.final_norm(state.blocks[-1].output), gradient=False)[0][:, 0].exp()


def _log_probability(
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
