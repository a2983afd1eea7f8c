"""Integrated gradients of Dai et al. (2022): the reference point is 0."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from harness.activations.unmodified import run_unmodified
from harness.attribution.engine import integrate
from harness.attribution.quadrature import Quadrature
from harness.localizers.localizer import AttributionMap
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

# Row-layers (a row in one block) are what memory goes with; a block keeps about this many values of its widths for the
# backward pass (measured on GPT-2 and LLaMA blocks).
_VALUES_PER_ROW_LAYER = {"d_model": 14, "d_ff": 9}
_BUDGET_BYTES = 1 << 30
_GAUSS = "gauss-legendre"


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
        other = (
            Quadrature(rule="right", steps=20) if self.quadrature.rule == _GAUSS else Quadrature(rule=_GAUSS, steps=10)
        )
        return IntegratedGradients(quadrature=other)

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        """Scores every neuron for every query: see `Localizer.attribute`."""
        size = batch_size or self._batch_size(model, max(len(query.prompt_ids) for query in queries))
        maps: list[AttributionMap] = []
        for start in range(0, len(queries), size):
            state = run_unmodified(model, queries[start : start + size])
            result = integrate(state, torch.zeros_like(state.neurons), self.quadrature)
            scores, gaps = result.scores.cpu().numpy(), result.completeness_gap.tolist()
            maps.extend(AttributionMap(scores=s, completeness_gap=g) for s, g in zip(scores, gaps, strict=True))
        return maps

    def _batch_size(self, model: LoadedModel, longest: int) -> int:
        """As many queries as fit into the memory budget, at least one; a row of a masked model is a whole sentence."""
        row_layers = self.quadrature.steps * model.n_layers * (model.n_layers + 1) // 2
        row_layers *= longest if model.family.masked else 1
        values = _VALUES_PER_ROW_LAYER["d_model"] * model.d_model + _VALUES_PER_ROW_LAYER["d_ff"] * model.d_ff
        return max(1, min(64, _BUDGET_BYTES // (row_layers * values * model.dtype.itemsize)))
