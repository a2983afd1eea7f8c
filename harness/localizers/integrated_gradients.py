"""Integrated gradients of Dai et al. (2022): the reference point is 0."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from harness.activations.unmodified import run_unmodified
from harness.attribution.engine import integrate
from harness.attribution.quadrature import Quadrature
from harness.localizers.answer import check_answer
from harness.localizers.batches import attribution_maps, batches
from harness.localizers.cost import Cost, paths_cost
from harness.localizers.localizer import AttributionMap, Unscored
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.shape import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegratedGradients:
    """score = v * integral_0^1 (d p(answer) / d neurons)(a v) da, v the neurons at the last query token.

    Attributes:
        quadrature: the paper's is right:20 (Eq. 8 to 10).
        answer: whose probability: the answer's `first` token, or all of them, the `joint` probability.

    Raises:
        ConfigError: an answer that does not exist.

    References:
        Eq. 8 to 10 of the paper; Dai et al. 2022, Knowledge Neurons in Pretrained Transformers.
    """

    quadrature: Quadrature = field(default_factory=Quadrature)
    answer: str = "first"

    def __post_init__(self) -> None:
        """Checks the answer."""
        check_answer(self.answer)

    @property
    def name(self) -> str:
        """`ig`."""
        return "ig"

    def config(self) -> dict[str, Any]:
        """Method, reference point, quadrature, and which answer tokens count."""
        return {
            "method": "integrated gradients",
            "reference": 0,
            "quadrature": asdict(self.quadrature),
            "answer": self.answer,
        }

    def variant(self) -> "IntegratedGradients":
        """The same integral by another rule: what the retest localizes with beside this one."""
        return replace(self, quadrature=self.quadrature.alternative())

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap | Unscored]:
        """Scores every neuron for every query: see `Localizer.attribute`."""
        found: dict[int, AttributionMap | Unscored] = {}
        for batch in batches(model, queries, quadrature=self.quadrature, answer=self.answer, batch_size=batch_size):
            state = run_unmodified(model, batch.queries, answer_tokens=batch.answer_tokens)
            result = integrate(state, torch.zeros_like(state.neurons), self.quadrature, at_once=batch.at_once)
            found.update(zip(batch.indices, attribution_maps(result), strict=True))
        return [found[index] for index in range(len(queries))]

    def cost(
        self,
        shape: ModelShape,
        prompt_lengths: Sequence[int],
        answer_lengths: Sequence[int],
        *,
        batch_size: int | None,
    ) -> Cost:
        """One path a query, and its prompt run once: see `HasCost.cost`."""
        return paths_cost(
            shape,
            self.quadrature,
            prompt_lengths,
            answer_lengths if self.answer == "joint" else [1] * len(answer_lengths),
            paths=[1] * len(prompt_lengths),
            batch_size=batch_size,
        )
