"""A localizer with an error that consistency cannot see: every neuron it names lies beside the one that it means."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.localizers import AttributionMap
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


class ShiftedByOne:
    """Integrated gradients, with the index of each neuron counted one too high."""

    @property
    def name(self) -> str:
        return "shifted"

    def config(self) -> dict[str, Any]:
        return {**IntegratedGradients().config(), "shift": 1}

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        maps = IntegratedGradients().attribute(model, queries, batch_size=batch_size)
        return [
            AttributionMap(scores=np.roll(found.scores, 1, axis=1), completeness_gap=found.completeness_gap)
            for found in maps
        ]
