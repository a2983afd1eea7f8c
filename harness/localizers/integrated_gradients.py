"""Integrated gradients of Dai et al. (2022): the reference point is 0."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from harness.activations.last_token import run_last_token
from harness.attribution.engine import integrate
from harness.attribution.quadrature import Quadrature
from harness.localizers.cost import Cost, forward_operations, path_operations
from harness.localizers.localizer import AttributionMap
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.shape import ModelShape, shape_of

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
        size = batch_size or self._batch_size(model)
        maps: list[AttributionMap] = []
        for start in range(0, len(queries), size):
            state = run_last_token(model, queries[start : start + size])
            result = integrate(state, torch.zeros_like(state.neurons), self.quadrature)
            scores, gaps = result.scores.cpu().numpy(), result.completeness_gap.tolist()
            maps.extend(AttributionMap(scores=s, completeness_gap=g) for s, g in zip(scores, gaps, strict=True))
        return maps

    def cost(self, shape: ModelShape, prompt_lengths: Sequence[int], *, batch_size: int | None) -> Cost:
        """One path a query, and its prompt run once: see `HasCost.cost`."""
        path = path_operations(shape, steps=self.quadrature.steps)
        a_query = self._bytes_a_query(shape)
        size = min(batch_size or _queries_at_once(a_query), len(prompt_lengths))
        return Cost(
            operations=sum(path + forward_operations(shape, tokens) for tokens in prompt_lengths),
            working_bytes=size * a_query,
        )

    def _batch_size(self, model: LoadedModel) -> int:
        """As many queries as fit into the memory budget, at least one."""
        return _queries_at_once(self._bytes_a_query(shape_of(model, itemsize=model.dtype.itemsize)))

    def _bytes_a_query(self, shape: ModelShape) -> int:
        row_layers = self.quadrature.steps * shape.n_layers * (shape.n_layers + 1) // 2
        values = _VALUES_PER_ROW_LAYER["d_model"] * shape.d_model + _VALUES_PER_ROW_LAYER["d_ff"] * shape.d_ff
        return row_layers * values * shape.itemsize


def _queries_at_once(bytes_a_query: int) -> int:
    return max(1, min(64, _BUDGET_BYTES // bytes_a_query))
