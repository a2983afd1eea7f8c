"""The exact engine: path integrals of the answer probability for all layers, all steps and many queries at once."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from harness.activations.entries import Segment
from harness.activations.head import log_probability_and_gradient
from harness.activations.unmodified import Unmodified, climb_rows
from harness.attribution.quadrature import Quadrature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathIntegral:
    """Attribution scores of a batch.

    Attributes:
        scores: one a neuron.
        answer_probability: p(answer) of the unmodified run, of all answer tokens that count.
        completeness_gap: max over layers of |sum of scores - (p - p at the reference point)| / p; what the quadrature
            left out. None where the factor is not (value - reference), for then there is no such sum.
    """

    scores: Float[Tensor, "queries layers d_ff"]
    answer_probability: Float[Tensor, " queries"]
    completeness_gap: Float[Tensor, " queries"] | None


def integrate(
    state: Unmodified,
    reference: Float[Tensor, "layers queries d_ff"],
    quadrature: Quadrature,
    *,
    factor: Float[Tensor, "layers queries d_ff"] | None = None,
) -> PathIntegral:
    """Integrates the gradient of p(answer) along the straight path from `reference` to the unmodified neurons.

    For layer l, with v the unmodified neurons at the last query token (in a masked model: at the mask token) and r the
    reference point, and p(answer) the product over the answer tokens that count, each after the gold ones before it,

        score = (v - r) * integral_0^1 (d p(answer) / d neurons)(r + a (v - r)) da,

    the whole layer moving together, every layer an integral of its own, as all code bases of the field compute it (the
    printed Eq. 8 to 10 move one neuron at a time). A row (layer, step) is one token that enters at its layer, with the
    answer tokens behind it if more than the first count: see `climb_rows`. Nothing is approximated but the integral.

    Args:
        state: the unmodified run of a batch of queries.
        reference: where the paths start; device and dtype of the model.
        quadrature: nodes and weights on [0, 1].
        factor: what the integral is multiplied by instead of (v - r).

    Returns:
        Scores in the model's dtype (at least float32), detached, on the model's device.
    """
    nodes, weights = (torch.from_numpy(a).to(reference) for a in quadrature.nodes_and_weights())
    moved = state.neurons - reference
    shifts = [torch.zeros_like(start).requires_grad_() for start in reference]
    with torch.enable_grad():
        paths = [
            Segment(reference=start, moved=way, nodes=nodes, shift=shift)
            for start, way, shift in zip(reference, moved, shifts, strict=True)
        ]
        hidden = state.model.final_norm(climb_rows(state, paths))
    log_p, slope = _log_probability(state, hidden.detach(), gradient=True)
    assert slope is not None
    # d p = p d log p; relative to a query's largest, so that a narrow dtype holds what goes down through the blocks.
    parts = weights.to(log_p).repeat(len(paths)) * log_p.exp()  # rows are ordered by layer, then by node
    largest = parts.amax(dim=1).clamp_min(torch.finfo(parts.dtype).tiny)
    parts = (parts / largest[:, None]).repeat_interleave(hidden.shape[1] // parts.shape[1], dim=1)
    gradients = torch.autograd.grad(hidden, shifts, slope * parts[:, :, None].to(slope))
    multipliers = moved if factor is None else factor
    scores = torch.stack(
        [gradient.to(log_p) * way.to(log_p) for gradient, way in zip(gradients, multipliers, strict=True)], dim=1
    )
    scores *= largest[:, None, None]
    p = answer_probability(state, None)
    gap = None
    if factor is None:
        p_reference = answer_probability(state, reference)
        gap = (scores.sum(2) - (p - p_reference)).abs().amax(1) / p.squeeze(1)
    return PathIntegral(scores=scores, answer_probability=p.squeeze(1), completeness_gap=gap)


@torch.no_grad()
def answer_probability(
    state: Unmodified, neurons: Float[Tensor, "layers queries d_ff"] | None
) -> Float[Tensor, "queries layers"]:
    """p(answer) where one layer at a time has other neurons; one column, the unmodified p, where `neurons` is None."""
    rows = state.blocks[-1].output if neurons is None else climb_rows(state, [layer[:, None] for layer in neurons])
    return _log_probability(state, state.model.final_norm(rows), gradient=False)[0].exp()


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
