"""Sequential integrated gradients of Enguehard (2023), for neurons: a path from each word's reference point."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from harness.activations.unmodified import run_unmodified
from harness.attribution.engine import PathIntegral, integrate
from harness.attribution.quadrature import Quadrature
from harness.attribution.reference_points import reference_points
from harness.localizers.answer import check_answer
from harness.localizers.batches import Batch, attribute_words
from harness.localizers.cost import Cost, paths_cost
from harness.localizers.localizer import AttributionMap, Unscored
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.shape import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialIntegratedGradients:
    """score = sum_i (v - b_i) * integral_0^1 (d p(answer) / d neurons)(b_i + a (v - b_i)) da, the map then divided by
    its L2 norm.

    v are the neurons at the last query token, b_i the same when word i gives way to the end-of-text token. The
    equations speak of word embeddings; the paper never says how they become the score of a neuron, and this is the
    reading that keeps one reference point and one path a word.

    Attributes:
        quadrature: of every path; the paper's is right:20.
        answer: whose probability: the answer's `first` token, or all of them, the `joint` probability.

    Raises:
        ConfigError: an answer that does not exist.

    References:
        Eq. 11 to 14 of the paper; Enguehard 2023, Sequential Integrated Gradients.
    """

    quadrature: Quadrature = field(default_factory=Quadrature)
    answer: str = "first"

    def __post_init__(self) -> None:
        """Checks the answer."""
        check_answer(self.answer)

    @property
    def name(self) -> str:
        """`sig`."""
        return "sig"

    def config(self) -> dict[str, Any]:
        """Method, reference points, quadrature, and which answer tokens count."""
        return {
            "method": "sequential integrated gradients",
            "reference": "each word replaced by the end-of-text token",
            "quadrature": asdict(self.quadrature),
            "answer": self.answer,
        }

    def variant(self) -> "SequentialIntegratedGradients":
        """The same integrals by another rule: what the retest localizes with beside this one."""
        return replace(self, quadrature=self.quadrature.alternative())

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap | Unscored]:
        """Scores every neuron for every query that has a word: see `Localizer.attribute`.

        `batch_size` counts (query, word) pairs, for each is a path of its own.
        """

        def of_words(batch: Batch, words: list[tuple[int, ...]]) -> PathIntegral:
            state = run_unmodified(model, batch.queries, answer_tokens=batch.answer_tokens)
            points = torch.cat(reference_points(state, batch.queries, words), dim=1)
            counts = [len(places) for places in words]
            return _normalised(integrate(state, points, self.quadrature, paths=counts, at_once=batch.at_once))

        return attribute_words(
            model, queries, of_words, quadrature=self.quadrature, answer=self.answer, batch_size=batch_size
        )

    def cost(
        self,
        shape: ModelShape,
        prompt_lengths: Sequence[int],
        answer_lengths: Sequence[int],
        *,
        batch_size: int | None,
    ) -> Cost:
        """As if every token were a word: see `HasCost.cost`."""
        return paths_cost(
            shape,
            self.quadrature,
            prompt_lengths,
            answer_lengths if self.answer == "joint" else [1] * len(answer_lengths),
            paths=prompt_lengths,
            batch_size=batch_size,
            replaced=True,
        )


def _normalised(result: PathIntegral) -> PathIntegral:
    """Every map divided by its L2 norm (Eq. 14), which moves no knowledge neuron; a map of zeros stays one."""
    norms = torch.linalg.vector_norm(result.scores, dim=(1, 2), keepdim=True)
    return replace(result, scores=result.scores / torch.where(norms > 0, norms, 1))
