"""What the neurons that are to be edited hold at the last token of the edited query."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from harness.editing.batches import batches, padded
from harness.models.hooks import recording_calls
from harness.models.loaded import LoadedModel
from harness.neurons import NeuronSet

_TOKENS_AT_ONCE = 4096


@torch.no_grad()
def query_activations(
    model: LoadedModel, prompts: Sequence[tuple[int, ...]], sets: Sequence[NeuronSet]
) -> list[Float[Tensor, " neurons"]]:
    """The activation of every neuron of a set at the last token of its prompt, in the unmodified model.

    Args:
        model: the model to run.
        prompts: token ids.
        sets: the neurons that are wanted of each prompt.

    Returns:
        One vector a prompt, in the order of its set; empty where the set is.
    """
    found: list[Tensor] = [torch.empty(0, device=model.device, dtype=model.dtype) for _ in prompts]
    wanted = [i for i, neurons in enumerate(sets) if neurons]
    for batch in batches([len(prompts[i]) for i in wanted], _TOKENS_AT_ONCE):
        rows = [wanted[i] for i in batch]
        for row, values in zip(rows, _run(model, [prompts[i] for i in rows], [sets[i] for i in rows]), strict=True):
            found[row] = values
    return found


def _run(model: LoadedModel, prompts: Sequence[tuple[int, ...]], sets: Sequence[NeuronSet]) -> list[Tensor]:
    last = torch.tensor([len(prompt) - 1 for prompt in prompts], device=model.device)
    layers: list[Tensor] = []

    def keep(args: tuple[Any, ...], _kwargs: dict[str, Any], _output: object) -> None:
        layers.append(args[0][torch.arange(len(last), device=last.device), last])

    with ExitStack() as stack:
        for projection in model.output_projections:
            stack.enter_context(recording_calls(projection, keep))
        model.model(input_ids=padded(prompts).to(model.device), use_cache=False, logits_to_keep=1)
    every = torch.stack(layers, dim=1)  # [prompts, layers, d_ff]
    return [
        values[[n.layer for n in neurons], [n.index for n in neurons]]
        for values, neurons in zip(every, sets, strict=True)
    ]
