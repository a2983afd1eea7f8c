"""Random neurons in the place of another localizer's: as many, in the same layers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from harness.localizers.integrated_gradients import IntegratedGradients
from harness.localizers.localizer import AttributionMap, Localizer, Unscored
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomControl:
    """Another localizer's map with the scores of every layer dealt anew among its neurons.

    So at any t it selects as many neurons as that localizer, in the same layers, but not the same ones. Nothing that
    it finds can belong to a fact: a claim that does not come out VOID on it does not hold its controls.

    Attributes:
        of: the localizer whose maps are dealt anew.
        seed: together with a query's token ids, of the deal: a query has the same neurons in any company.
    """

    of: Localizer = field(default_factory=IntegratedGradients)
    seed: int = 0

    @property
    def name(self) -> str:
        """`random`, or `random-sig` and the like where it is another localizer's than integrated gradients'."""
        return "random" if self.of.name == "ig" else f"random-{self.of.name}"

    @property
    def answer(self) -> str:
        """Which answer tokens the localizer that is matched counts."""
        return str(getattr(self.of, "answer", "first"))

    def config(self) -> dict[str, Any]:
        """The localizer that is matched, and the seed."""
        return {"method": "random neurons", "of": self.of.name, "of_config": self.of.config(), "seed": self.seed}

    def variant(self) -> "RandomControl":
        """Another deal: what the retest localizes with beside this one."""
        return replace(self, seed=self.seed + 1)

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap | Unscored]:
        """Deals the scores of every layer anew, for every query: see `Localizer.attribute`."""
        found = self.of.attribute(model, queries, batch_size=batch_size)
        return [self._dealt(query, item) for query, item in zip(queries, found, strict=True)]

    def _dealt(self, query: EncodedQuery, found: AttributionMap | Unscored) -> AttributionMap | Unscored:
        if isinstance(found, Unscored):
            return found
        rng = np.random.default_rng([self.seed, int(query.key, 16)])
        return AttributionMap(scores=rng.permuted(found.scores, axis=1), completeness_gap=None)
