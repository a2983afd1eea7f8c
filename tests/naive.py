"""The naive methods, written apart from the engine: one query, one layer, m whole sequences, plain autograd.

They are what the field's code bases do, with the logits of all positions and the gradient taken to the rows. Like
there, whatever a layer needs is found by whole forward passes for that layer alone.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from harness.models.loaded import LoadedModel

Answer: TypeAlias = int | Sequence[int]
"""A token, or several whose probabilities, each after the ones before it, are multiplied."""


def naive_path_integral(
    model: LoadedModel, prompt_ids: Sequence[int], answer: Answer, nodes: Tensor, weights: Tensor, place: int = -1
) -> Tensor:
    """Scores [layers, d_ff] of integrated gradients with reference point 0, for neurons and answer at `place`."""

    def of_layer(layer: int) -> Tensor:
        value = neurons_at(model, prompt_ids, layer, place)
        start = torch.zeros_like(value)
        return value * _gradient(model, prompt_ids, answer, layer, start, value, nodes, weights, place)

    return torch.stack([of_layer(layer) for layer in range(model.n_layers)])


def naive_sig(
    model: LoadedModel,
    prompt_ids: Sequence[int],
    words: Sequence[int],
    answer: Answer,
    nodes: Tensor,
    weights: Tensor,
    place: int = -1,
) -> Tensor:
    """Scores [layers, d_ff] of sequential integrated gradients, before they are divided by their norm."""

    def of_layer(layer: int) -> Tensor:
        value, total = neurons_at(model, prompt_ids, layer, place), torch.zeros(())
        for word in words:
            start = neurons_at(model, replaced(model, prompt_ids, word), layer, place)
            gradient = _gradient(model, prompt_ids, answer, layer, start, value, nodes, weights, place)
            total = total + (value - start) * gradient
        return total

    return torch.stack([of_layer(layer) for layer in range(model.n_layers)])


def naive_amig(
    model: LoadedModel,
    prompt_ids: Sequence[int],
    words: Sequence[int],
    answer: Answer,
    nodes: Tensor,
    weights: Tensor,
    place: int = -1,
) -> Tensor:
    """Scores [layers, d_ff] of AMIG as its authors' code has it."""

    def of_layer(layer: int) -> Tensor:
        value = neurons_at(model, prompt_ids, layer, place)
        starts = [neurons_at(model, replaced(model, prompt_ids, word), layer, place) for word in words]
        start = sum(starts, torch.zeros(())) / len(starts)
        return value * _gradient(model, prompt_ids, answer, layer, start, value, nodes, weights, place)

    return torch.stack([of_layer(layer) for layer in range(model.n_layers)])


def naive_amig_paper(
    model: LoadedModel,
    prompt_ids: Sequence[int],
    words: Sequence[int],
    answer: Answer,
    nodes: Tensor,
    weights: Tensor,
    place: int = -1,
) -> Tensor:
    """Scores [layers, d_ff] of AMIG as its equations have it."""

    def of_layer(layer: int) -> Tensor:
        value, total = neurons_at(model, prompt_ids, layer, place), torch.zeros(())
        for word in words:
            start = neurons_at(model, replaced(model, prompt_ids, word), layer, place)
            total = total + value * _gradient(model, prompt_ids, answer, layer, start, value, nodes, weights, place)
        return total

    return torch.stack([of_layer(layer) for layer in range(model.n_layers)])


NAIVE: dict[str, Callable[..., Tensor]] = {"sig": naive_sig, "amig": naive_amig, "amig-paper": naive_amig_paper}


def replaced(model: LoadedModel, prompt_ids: Sequence[int], word: int) -> list[int]:
    """The prompt with one token replaced by the one that ends texts, BERT's being its separator."""
    end = model.tokenizer.eos_token_id
    return [*prompt_ids[:word], model.tokenizer.sep_token_id if end is None else end, *prompt_ids[word + 1 :]]


def neurons_at(model: LoadedModel, prompt_ids: Sequence[int], layer: int, place: int = -1) -> Tensor:
    """A layer's neurons at one token, from a whole forward pass."""
    seen: list[Tensor] = []
    # OPT flattens queries and positions before it projects.
    handle = model.output_projections[layer].register_forward_pre_hook(
        lambda _module, args: seen.append(args[0].reshape(len(prompt_ids), -1)[place].detach())
    )
    with torch.no_grad():
        model.model(input_ids=torch.tensor([list(prompt_ids)]))
    handle.remove()
    return seen[0]


def answer_probability(
    model: LoadedModel, prompt_ids: Sequence[int], answer: Answer, layer: int, rows: Tensor, place: int = -1
) -> Tensor:
    """p(answer) where a layer has other neurons at one token, [rows]; from as many whole forward passes."""
    tokens = [answer] if isinstance(answer, int) else list(answer)
    ids = torch.tensor([[*prompt_ids, *tokens[:-1]]])
    place = place % len(prompt_ids)

    def put(_module: torch.nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        sequences = args[0].reshape(len(rows), ids.shape[1], -1)
        sequences = sequences.clone()
        sequences[:, place] = rows
        return (sequences.view(args[0].shape),)

    handle = model.output_projections[layer].register_forward_pre_hook(put)
    logits = model.model(input_ids=ids.expand(len(rows), -1)).logits
    handle.remove()
    return torch.stack([logits[:, place + j].softmax(-1)[:, t] for j, t in enumerate(tokens)]).prod(0)


def _gradient(
    model: LoadedModel,
    prompt_ids: Sequence[int],
    answer: Answer,
    layer: int,
    start: Tensor,
    end: Tensor,
    nodes: Tensor,
    weights: Tensor,
    place: int = -1,
) -> Tensor:
    """The gradient of p(answer), averaged along the path of one layer from `start` to `end`, [d_ff]."""
    rows = (start + nodes.to(end)[:, None] * (end - start)).requires_grad_()
    probability = answer_probability(model, prompt_ids, answer, layer, rows, place)
    (gradient,) = torch.autograd.grad(probability.sum(), rows)
    return (gradient * weights.to(end)[:, None]).sum(0)
