"""The editor that changes nothing: what it scores is what the unmodified model scores."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from harness.editing.corrections import Correction, LayerCorrection, neuron_slices
from harness.editing.request import EditRequest
from harness.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Adds zero to the slice of every layer's first neuron: a control of all that an edit passes through."""

    @property
    def name(self) -> str:
        """`identity`."""
        return "identity"

    def config(self) -> dict[str, Any]:
        """Nothing to choose."""
        return {"method": "identity"}

    @contextmanager
    def edit(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, request: EditRequest) -> Generator[None]:
        """One edit: see `Editor.edit`."""
        yield

    def corrections(self, model: LoadedModel, requests: Sequence[EditRequest]) -> list[Correction]:
        """The change of slices that each request means: see `FunctionalEditor.corrections`."""
        first = torch.zeros(1, dtype=torch.long, device=model.device)
        layers = {
            layer: LayerCorrection(first, torch.zeros_like(neuron_slices(projection)[:1]))
            for layer, projection in enumerate(model.output_projections)
        }
        return [Correction(layers=layers) for _ in requests]
