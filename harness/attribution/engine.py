"""The exact engine: path integrals of the answer probability for all layers, all steps and many queries at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from harness.activations.unmodified import Unmodified
from harness.attribution.node_sums import every_node, first_nodes
from harness.attribution.path_sums import answer_probability, path_sums
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
    the dtype's rounding, and nothing is approximated but the integral.

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
    layers, at_once = range(len(reference)), at_once or len(owner)
    first, whole = first_nodes(quadrature, smooth=state.model.smooth), every_node(quadrature)
    wide = torch.promote_types(reference.dtype, torch.float32)
    scores = reference.new_empty(len(owner), len(layers), reference.shape[2], dtype=wide)
    doubt, p_start = torch.empty_like(scores[:, :, 0]), torch.empty_like(scores[:, :, 0])
    for part in _parts(list(range(len(owner))), at_once):
        chosen, start = state.select([owner[path] for path in part]), reference[:, part]
        sums = path_sums(chosen, start, first, layers=layers, times_value=times_value)
        scores[part], doubt[part], p_start[part] = (
            found.to(scores) for found in (sums.scores, sums.doubt, sums.p_start)
        )
    row_layers = at_once * len(first.nodes) * sum(len(layers) - layer for layer in layers)
    while True:
        maps = torch.stack([of_query.sum(0) for of_query in scores.split(counts)])
        rough = doubt > _trusted(reference.dtype) * maps.amax(dim=(1, 2)).clamp_min(0)[owner, None]
        if not bool(rough.any()):
            break
        for layer in layers:
            size = max(1, row_layers // (len(whole.nodes) * (len(layers) - layer)))  # as much memory as above
            for part in _parts(rough[:, layer].nonzero().squeeze(1).tolist(), size):
                chosen, start = state.select([owner[path] for path in part]), reference[layer, part][None]
                again = path_sums(chosen, start, whole, layers=[layer], times_value=times_value)
                scores[part, layer], doubt[part, layer] = again.scores[:, 0].to(scores), 0
    p = answer_probability(state, None)[:, 0]
    gaps = None
    if not times_value:
        of_path = p.to(p_start)[owner, None]
        left_out = ((scores.sum(2) - (of_path - p_start)).abs() / of_path).amax(1)
        gaps = torch.stack([of_query.amax() for of_query in left_out.split(counts)])
    return PathIntegral(scores=maps, answer_probability=p, completeness_gap=gaps)


def _parts(paths: Sequence[int], at_once: int) -> Iterator[Sequence[int]]:
    return (paths[start : start + at_once] for start in range(0, len(paths), at_once))


def _trusted(dtype: torch.dtype) -> float:
    """Up to what doubt few nodes are trusted, relative to the largest score.

    Their error goes with the square of what the null rules see, for a Gauss rule sums twice the degree that its nodes
    tell apart. So that is the root of the dtype's rounding, and somewhat less.
    """
    return 0.3 * torch.finfo(dtype).eps ** 0.5
