"""The naive method, written apart from the engine: one query, one layer, m whole sequences, plain autograd.

It is what the field's code bases do, with the logits of all positions and the gradient taken to the rows.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.models.loaded import LoadedModel


def naive_path_integral(
    model: LoadedModel, prompt_ids: Sequence[int], answer: int, nodes: Tensor, weights: Tensor, place: int = -1
) -> Tensor:
    """Scores [layers, d_ff] of integrated gradients with reference point 0, for neurons and answer at `place`."""
    return torch.stack(
        [
            _layer(model, torch.tensor([list(prompt_ids)]), answer, layer, nodes, weights, place)
            for layer in range(model.n_layers)
        ]
    )


def _layer(
    model: LoadedModel, ids: Tensor, answer: int, layer: int, nodes: Tensor, weights: Tensor, place: int
) -> Tensor:
    projection = model.output_projections[layer]
    seen: list[Tensor] = []
    # OPT flattens queries and positions before it projects.
    handle = projection.register_forward_pre_hook(
        lambda _module, args: seen.append(args[0].reshape(ids.numel(), -1)[place].detach())
    )
    with torch.no_grad():
        model.model(input_ids=ids)
    handle.remove()
    value = seen[0]
    rows = (nodes.to(value)[:, None] * value).requires_grad_()

    def put(_module: torch.nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        sequences = args[0].reshape(len(rows), ids.shape[1], -1)
        sequences = sequences.clone()
        sequences[:, place] = rows
        return (sequences.view(args[0].shape),)

    handle = projection.register_forward_pre_hook(put)
    logits = model.model(input_ids=ids.expand(len(nodes), -1)).logits
    handle.remove()
    probability = logits[:, place].softmax(-1)[:, answer]
    (gradient,) = torch.autograd.grad(probability.sum(), rows)
    return (gradient * weights.to(value)[:, None]).sum(0) * value
