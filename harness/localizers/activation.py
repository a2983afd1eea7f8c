"""The plain activation value: what a neuron does, whatever it does it for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from harness.activations.last_token import run_last_token
from harness.localizers.localizer import AttributionMap
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

_QUERIES_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationValue:
    """score = v, the neurons at the last query token.

    Knows nothing of the answer: for comparison with methods that do.
    """

    @property
    def name(self) -> str:
        """`activation`."""
        return "activation"

    def config(self) -> dict[str, Any]:
        """The method has no setting."""
        return {"method": "activation value"}

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        """Reads every neuron for every query: see `Localizer.attribute`."""
        size = batch_size or _QUERIES_AT_ONCE
        maps: list[AttributionMap] = []
        for start in range(0, len(queries), size):
            neurons = run_last_token(model, queries[start : start + size]).neurons
            values = neurons.to(torch.promote_types(neurons.dtype, torch.float32)).cpu().numpy()
            maps.extend(AttributionMap(scores=v, completeness_gap=None) for v in values.swapaxes(0, 1))
        return maps
