"""A localizer that makes no mistake: it looks the planted neurons up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.localizers import AttributionMap
from harness.models.loaded import LoadedModel
from harness.models.organisms.world import SPACES, World
from harness.models.queries import EncodedQuery


@dataclass(frozen=True)
class TrueNeurons:
    """Scores the planted neurons of a query 1 and all others 0, whatever white space was added to it."""

    world: World

    @property
    def name(self) -> str:
        return "truth"

    def config(self) -> dict[str, Any]:
        return {"method": "truth"}

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        spaces = set(model.tokenizer.convert_tokens_to_ids(list(SPACES)))
        truth = {}
        for query in self.world.dataset.queries():
            ids = tuple(model.tokenizer(query.prompt)["input_ids"])
            truth[ids] = self.world.truth[query.fact.uid, query.pattern_id]
        maps = []
        for query in queries:
            scores = np.zeros((model.n_layers, model.d_ff), dtype=np.float32)
            for neuron in truth[tuple(i for i in query.prompt_ids if i not in spaces)]:
                scores[neuron] = 1
            maps.append(AttributionMap(scores=scores, completeness_gap=None))
        return maps
