"""Constrained fine-tuning: one layer's FFN learns the edit and may not move far."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.editing.corrections import restoring
from harness.editing.layer import check_layer, middle_layer
from harness.editing.objective import edit_loss
from harness.editing.request import EditRequest
from harness.editing.view import view_of
from harness.errors import ConfigError
from harness.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainedFineTuning:
    """Adam on the edited query alone, over the FFN of one layer, every weight kept within epsilon of what it was:

        minimise loss(W), subject to max |W - W_0| <= epsilon,

    by clamping after every step. The loss is that of `edit_loss`.

    Attributes:
        layer: whose FFN; None for the one at a third of the depth, counted from below.
        steps: of Adam, at most.
        learning_rate: of Adam.
        epsilon: largest change of a weight.
        enough: loss, in nats, at which it stops.

    Raises:
        ConfigError: no steps, or a rate or bound that is not positive.

    References:
        Zhu et al. 2020, Modifying Memories in Transformer Models, whose constraint it is (L-infinity norm).
    """

    layer: int | None = None
    steps: int = 25
    learning_rate: float = 5e-3
    epsilon: float = 2e-2
    enough: float = 5e-2

    def __post_init__(self) -> None:
        """Checks the ranges."""
        if self.steps < 1 or not min(self.learning_rate, self.epsilon) > 0:
            raise ConfigError(
                f"steps, learning_rate and epsilon must be positive, got {self.steps}, {self.learning_rate} and"
                f" {self.epsilon}",
                setting="fine-tuning",
                value=self.config(),
            )

    @property
    def name(self) -> str:
        """`fine-tuning`."""
        return "fine-tuning"

    def config(self) -> dict[str, Any]:
        """Every field."""
        return {"method": "constrained fine-tuning", **asdict(self)}

    @contextmanager
    def edit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, request: EditRequest) -> Generator[None]:
        """One edit: see `Editor.edit`."""
        loaded = view_of(model, tokenizer)
        layer = check_layer(loaded, self.layer) if self.layer is not None else middle_layer(loaded)
        weights = list(_ffn(loaded, layer).parameters())
        with restoring(weights):
            self._train(loaded, weights, request)
            yield

    def _train(self, model: LoadedModel, weights: list[nn.Parameter], request: EditRequest) -> None:
        before = [weight.detach().clone() for weight in weights]
        for weight in weights:
            weight.requires_grad_(True)
        optimizer = torch.optim.Adam(weights, lr=self.learning_rate)
        with torch.enable_grad():
            for _ in range(self.steps):
                loss = edit_loss(model, [request.prompt_ids], request)
                if loss.item() < self.enough:
                    break
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    for weight, origin in zip(weights, before, strict=True):
                        weight.clamp_(origin - self.epsilon, origin + self.epsilon)
        for weight in weights:
            weight.grad = None
            weight.requires_grad_(False)


def _ffn(model: LoadedModel, layer: int) -> nn.Module:
    """The module that holds the output projection, or the projection itself where it lies in the block."""
    path, _, _ = model.family.output_projection.rpartition(".")
    return model.blocks[layer].get_submodule(path) if path else model.output_projections[layer]
