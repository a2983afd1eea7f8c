"""Suppressing and enhancing neurons: their activations times a factor, on the way into the output projection."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.errors import ConfigError
from harness.models.hooks import replacing_input
from harness.models.loaded import LoadedModel
from harness.neurons import NeuronSet


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronScaling:
    """What is done to the neurons of one query: those of a set times a factor, in all layers of the set at once.

    Attributes:
        neurons: which neurons.
        factor: 0 suppresses, 2 enhances; a negative one turns them round.

    Raises:
        ConfigError: the factor is not finite.
    """

    neurons: NeuronSet
    factor: float

    def __post_init__(self) -> None:
        """Checks the factor."""
        if not abs(self.factor) < float("inf"):
            raise ConfigError(
                f"neurons are scaled by a finite factor, got {self.factor}", setting="factor", value=self.factor
            )

    @property
    def changes_nothing(self) -> bool:
        """Whether all neurons stay as they are."""
        return self.factor == 1 or not self.neurons


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedScalings:
    """The neurons of many scalings as one list, so that a layer's are found at once.

    Attributes:
        n_items: how many scalings there are.
        item: which scaling each neuron belongs to.
        layer: its layer.
        index: its place in the layer.
        factor: what it is multiplied by.
    """

    n_items: int
    item: Int[Tensor, " entries"]
    layer: Int[Tensor, " entries"]
    index: Int[Tensor, " entries"]
    factor: Float[Tensor, " entries"]

    @classmethod
    def of(cls, scalings: Sequence[NeuronScaling], model: LoadedModel) -> Self:
        """Places scalings in a model.

        Raises:
            ConfigError: a neuron lies outside the model.
        """
        item = [i for i, scaling in enumerate(scalings) for _ in scaling.neurons]
        neurons = [neuron for scaling in scalings for neuron in scaling.neurons]
        for neuron in neurons:
            if neuron.layer >= model.n_layers or neuron.index >= model.d_ff:
                raise ConfigError(
                    f"{neuron} lies outside {model.name!r}, which has {model.n_layers} layers of {model.d_ff} neurons",
                    setting="neurons",
                    value=neuron,
                )
        layer, index = torch.tensor(neurons, dtype=torch.long).reshape(-1, 2).T
        owner = torch.tensor(item, dtype=torch.long)
        factor = torch.tensor([scaling.factor for scaling in scalings], dtype=torch.float64)[owner]
        return cls(n_items=len(scalings), item=owner, layer=layer, index=index, factor=factor)

    def scales(self, layer: int, model: LoadedModel) -> Float[Tensor, "items d_ff"] | None:
        """What each item's neurons of a layer are multiplied by; None if no item touches the layer."""
        here = self.layer == layer
        if not here.any():
            return None
        found = torch.ones(self.n_items, model.d_ff, dtype=model.dtype)
        found[self.item[here], self.index[here]] = self.factor[here].to(model.dtype)
        return found.to(model.device)


@contextmanager
def scaling_neurons(
    model: LoadedModel, scalings: Sequence[NeuronScaling], *, at: Int[Tensor, " items"] | None = None
) -> Generator[None]:
    """Scales neurons in every forward pass inside, by hooks; nested, factors multiply.

    Args:
        model: the model; left as it was, also after an exception.
        scalings: one for each row of the batch that will be run, whole queries.
        at: position at which each row's neurons are scaled; None for all positions.

    Raises:
        ConfigError: a neuron lies outside the model, or the batch is of another size.
    """
    placed = PlacedScalings.of(scalings, model)

    def scaled(scale: Float[Tensor, "items d_ff"], neurons: Tensor) -> Tensor:
        # some families fold batch and tokens into one axis before the FFN
        if neurons.numel() % (len(scale) * scale.shape[1]) or (neurons.dim() == 3 and len(neurons) != len(scale)):
            raise ConfigError(
                f"{len(scale)} scalings for a batch of {tuple(neurons.shape)}; there is one a row",
                setting="scalings",
                value=len(scale),
            )
        scale = scale.to(neurons.device)
        by_row = neurons.reshape(len(scale), -1, scale.shape[1])
        if at is None:
            return (by_row * scale[:, None]).view(neurons.shape)
        changed, each = by_row.clone(), torch.arange(len(scale), device=scale.device)
        changed[each, at.to(scale.device)] *= scale
        return changed.view(neurons.shape)

    with ExitStack() as stack:
        for layer, projection in enumerate(model.output_projections):
            scale = placed.scales(layer, model)
            if scale is not None:
                stack.enter_context(replacing_input(projection, partial(scaled, scale)))
        yield
