"""Integrated gradients of Dai et al. (2022): the reference point is 0."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from harness.activations.unmodified import run_unmodified
from harness.attribution.engine import integrate
from harness.attribution.memory import paths_at_once
from harness.attribution.quadrature import Quadrature
from harness.localizers.batches import attribution_maps
from harness.localizers.localizer import AttributionMap
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegratedGradients:
    """score = v * integral_0^1 (d p(answer) / d neurons)(a v) da, v the neurons at the last query token.

    Attributes:
        quadrature: the paper's is right:20 (Eq. 8 to 10).

    References:
        Eq. 8 to 10 of the paper; Dai et al. 2022, Knowledge Neurons in Pretrained Transformers.
    """

    quadrature: Quadrature = field(default_factory=Quadrature)

    @property
    def name(self) -> str:
        """`ig`."""
        return "ig"

    def config(self) -> dict[str, Any]:
        """Method, reference point and quadrature."""
        return {"method": "integrated gradients", "reference": 0, "quadrature": asdict(self.quadrature)}

    def variant(self) -> "IntegratedGradients":
        """The same integral by another rule: what the retest localizes with beside this one."""
        return IntegratedGradients(quadrature=self.quadrature.alternative())

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        """Scores every neuron for every query: see `Localizer.attribute`."""
        size = batch_size or paths_at_once(model, self.quadrature, queries)
        maps: list[AttributionMap] = []
        for start in range(0, len(queries), size):
            state = run_unmodified(model, queries[start : start + size])
            maps += attribution_maps(integrate(state, torch.zeros_like(state.neurons), self.quadrature))
        return maps
