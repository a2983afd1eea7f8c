"""The exact engine: path integrals of the answer probability for all layers, all steps and many queries at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from harness.activations.unmodified import Unmodified
from harness.attribution.gradient_sums import answer_probability
from harness.attribution.node_sums import NodeSum, every_node, first_nodes
from harness.attribution.path_sums import Paths, PathSums
from harness.attribution.quadrature import Quadrature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathIntegral:
    """Attribution scores of a batch.

    Attributes:
        scores: one a neuron.
        answer_probability: p(answer) of the unmodified run, of all answer tokens that count.
        completeness_gap: max over layers and paths of |sum of scores - (p - p at the reference point)| / p; what the
            quadrature left out. None where the factor is not (value - reference), for then there is no such sum.
    """

    scores: Float[Tensor, "maps layers d_ff"]
    answer_probability: Float[Tensor, " maps"]
    completeness_gap: Float[Tensor, " maps"] | None


def integrate(
    state: Unmodified,
    reference: Float[Tensor, "layers paths d_ff"],
    quadrature: Quadrature,
    *,
    paths: Sequence[int] | None = None,
    times_value: bool = False,
    at_once: int | None = None,
) -> PathIntegral:
    """Integrates the gradient of p(answer) along straight paths that end at the unmodified neurons.

    For layer l, with v the unmodified neurons at the last query token (in a masked model: at the mask token) and r the
    reference point, and p(answer) the product over the answer tokens that count, each after the gold ones before it,

        score = (v - r) * integral_0^1 (d p(answer) / d neurons)(r + a (v - r)) da,

    the whole layer moving together, every layer an integral of its own, as all code bases of the field compute it (the
    printed Eq. 8 to 10 move one neuron at a time). The paths of one query are summed. A row (layer, node) is one token
    that enters at its layer, with the answer tokens behind it if more than the first count: see `climb_rows`.

    The quadrature's sum is evaluated at few nodes first (`first_nodes`). A layer's path that these show to be rough, on
    the scale of its query's largest score, is evaluated again at every node: so scores are those of the whole sum to
    the dtype's rounding, and nothing is approximated but the integral. What all paths of a query have in common, the
    gradient at their end, is evaluated once a query.

    Args:
        state: the unmodified run of a batch of queries.
        reference: where the paths start; device and dtype of the model.
        quadrature: nodes and weights on [0, 1].
        paths: how many of the paths belong to each query, those of a query adjacent; None for one each.
        times_value: multiply the integral by v instead of (v - r).
        at_once: paths that are run together, at their first nodes; None for all.

    Returns:
        One map a query of the run. Scores in the model's dtype (at least float32), detached, on the model's device.
    """
    counts = [1] * len(state.queries) if paths is None else list(paths)
    owner = [query for query, count in enumerate(counts) for _ in range(count)]
    batch, at_once = Paths(state, reference, owner, times_value=times_value), at_once or len(owner)
    first, whole = first_nodes(quadrature, smooth=state.model.smooth), every_node(quadrature, start=False)
    found = _all_at(first, batch, at_once)
    row_layers = at_once * first.n_before_end * batch.n_layers * (batch.n_layers + 1) // 2
    while True:
        maps = torch.stack([of_query.sum(0) for of_query in found.scores.split(counts)])
        rough = found.doubt > _trusted(reference.dtype) * maps.amax(dim=(1, 2)).clamp_min(0)[owner, None]
        if not bool(rough.any()):
            break
        _again_at(whole, batch, rough, found, row_layers)
    p, gaps = answer_probability(state), None
    if not times_value:
        p_end = p.to(found.p_first)[owner, None]
        left_out = ((found.scores.sum(2) - (p_end - found.p_first)).abs() / p_end).amax(1)
        gaps = torch.stack([of_query.amax() for of_query in left_out.split(counts)])
    return PathIntegral(scores=maps, answer_probability=p, completeness_gap=gaps)


def _all_at(nodes: NodeSum, batch: Paths, at_once: int) -> PathSums:
    """All paths in all layers, so many of them at once."""
    everything = batch.empty()
    for part in _parts(range(batch.n_paths), at_once):
        found = batch.sums(nodes, part, range(batch.n_layers))
        everything.scores[part], everything.doubt[part] = found.scores, found.doubt
        everything.p_first[part] = found.p_first
    return everything


def _again_at(nodes: NodeSum, batch: Paths, rough: Bool[Tensor, "paths layers"], found: PathSums, most: int) -> None:
    """Layers' paths that are rough, layer by layer, in place of what was found of them; takes no more row-layers."""
    for layer in range(batch.n_layers):
        at_once = max(1, most // (nodes.n_before_end * (batch.n_layers - layer)))
        for part in _parts(rough[:, layer].nonzero().squeeze(1).tolist(), at_once):
            again = batch.sums(nodes, part, [layer])
            found.scores[part, layer], found.doubt[part, layer] = again.scores[:, 0], 0


def _parts(paths: Sequence[int], at_once: int) -> Iterator[list[int]]:
    return (list(paths[start : start + at_once]) for start in range(0, len(paths), at_once))


def _trusted(dtype: torch.dtype) -> float:
    """Up to what doubt few nodes are trusted, relative to the largest score.

    Their error goes with the square of what the null rules see, for a Gauss rule sums twice the degree that its nodes
    tell apart. So that is the root of the dtype's rounding, and somewhat less.
    """
    return 0.3 * torch.finfo(dtype).eps ** 0.5
