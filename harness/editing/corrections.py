"""An edit of neurons' slices of the output projections, as weights and as the function that those weights compute.

The output projection of an FFN computes W^T act + b, W [d_ff, d_model]. Where the slice W_p of neuron p becomes
W_p + delta_p for some p, it computes

    W^T act + b + sum_p act_p delta_p

at every position. So the edit is exact without a weight being touched, there is nothing to restore, and every item of a
batch can carry an edit of its own.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from harness.models.loaded import LoadedModel


class LayerCorrection(NamedTuple):
    """The changed slices of one output projection.

    Attributes:
        index: the neurons, each once.
        delta: what is added to their slices.
    """

    index: Int[Tensor, " neurons"]  # pyright: ignore[reportIncompatibleMethodOverride]
    delta: Float[Tensor, "neurons d_model"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """One edit.

    Attributes:
        layers: layer -> its changed slices; a layer without any is absent.
        nonpositive: share of the neurons whose activation at the last query token is not positive, where an addition to
            the slice moves the output the other way; None where there are no neurons, or nobody asked.
    """

    layers: Mapping[int, LayerCorrection]
    nonpositive: float | None = None

    @property
    def n_neurons(self) -> int:
        """How many slices change."""
        return sum(len(layer.index) for layer in self.layers.values())


def neuron_slices(projection: nn.Module) -> Float[Tensor, "d_ff d_model"]:
    """A view of a projection's weight in which row p is the slice of neuron p.

    Conv1D stores [d_ff, d_model], Linear [d_model, d_ff].
    """
    weight = cast(Tensor, projection.weight).detach()
    return weight.t() if isinstance(projection, nn.Linear) else weight


@contextmanager
def corrected(model: LoadedModel, parts: Sequence[tuple[slice, Correction]]) -> Generator[None]:
    """Within, the output projections compute what the edited weights would.

    Args:
        model: what runs; no weight of it is written.
        parts: which items of the batch carry which correction; items in no part stay as they are.
    """
    with ExitStack() as stack:
        for layer, projection in enumerate(model.output_projections):
            here = [(items, part.layers[layer]) for items, part in parts if layer in part.layers]
            if here:
                stack.callback(projection.register_forward_hook(_adding(here)).remove)
        yield


@contextmanager
def rewritten(model: LoadedModel, correction: Correction) -> Generator[None]:
    """Within, the same edit stands in the weights; the slices that were there are put back bit for bit."""
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    try:
        with torch.no_grad():
            for layer, (index, delta) in correction.layers.items():
                slices = neuron_slices(model.output_projections[layer])
                kept.append((slices, index, slices[index]))  # indexing copies
                slices[index] += delta
        yield
    finally:
        with torch.no_grad():
            for slices, index, before in kept:
                slices[index] = before


@contextmanager
def restoring(tensors: Iterable[nn.Parameter]) -> Generator[None]:
    """Puts parameters back as they were, bit for bit: values, gradients, and whether gradients are wanted."""
    kept = [(parameter, parameter.detach().clone(), parameter.requires_grad, parameter.grad) for parameter in tensors]
    try:
        yield
    finally:
        for parameter, values, requires_grad, grad in kept:
            parameter.requires_grad_(requires_grad)
            parameter.grad = grad
            with torch.no_grad():
                parameter.copy_(values)


def _adding(parts: Sequence[tuple[slice, LayerCorrection]]) -> Any:
    """A hook that adds each part's correction to its items."""

    def hook(_module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        activations, output = args[0], output.clone()
        for items, (index, delta) in parts:
            output[items] += activations[items].index_select(-1, index) @ delta
        return output

    return hook
