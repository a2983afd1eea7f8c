"""captum's integrated gradients of p(answer) as a function of one layer's neurons."""

import warnings

import torch
from torch import Tensor

from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


def captum_scores(model: LoadedModel, query: EncodedQuery, layer: int, reference: Tensor, *, steps: int) -> Tensor:
    """Scores [d_ff] of a layer's neurons at the last token, Gauss-Legendre.

    Our paths move the last position alone: captum's reference point is the unmodified input with `reference` there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum's own imports warn
        from captum.attr import IntegratedGradients

    projection, ids = model.output_projections[layer], torch.tensor([query.prompt_ids])
    unmodified: list[Tensor] = []

    def probability(tokens: Tensor) -> Tensor:
        return model.model(input_ids=tokens, use_cache=False).logits[:, -1].softmax(-1)[:, query.answer_ids[0]]

    def answer_given(neurons: Tensor) -> Tensor:
        handle = projection.register_forward_pre_hook(lambda _m, _args: (neurons,))
        try:
            return probability(ids.expand(len(neurons), -1))
        finally:
            handle.remove()

    handle = projection.register_forward_pre_hook(lambda _m, args: unmodified.append(args[0].detach()))
    probability(ids)
    handle.remove()
    start = unmodified[0].clone()
    start[:, -1] = reference
    scores = IntegratedGradients(answer_given).attribute(
        unmodified[0], baselines=start, n_steps=steps, method="gausslegendre"
    )
    return scores[0, -1]
