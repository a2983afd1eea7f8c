"""A localizer that fails on purpose: neurons drawn at random, as many as integrated gradients would find."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.localizers import AttributionMap
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


class RandomNeurons:
    """Forty neurons a query, drawn from the query's ids, so that the same query always gives the same."""

    @property
    def name(self) -> str:
        return "random"

    def config(self) -> dict[str, Any]:
        return {"method": "random", "neurons": 40}

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        maps: list[AttributionMap] = []
        for query in queries:
            rng = np.random.default_rng([int(query.key[:8], 16)])
            scores = np.zeros(model.n_layers * model.d_ff, dtype=np.float32)
            scores[rng.choice(scores.size, size=40, replace=False)] = rng.uniform(0.5, 1.0, size=40)
            maps.append(AttributionMap(scores=scores.reshape(model.n_layers, model.d_ff), completeness_gap=None))
        return maps
