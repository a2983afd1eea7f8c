"""Architecture-adapted multilingual integrated gradients (AMIG) of Chen et al. (2024)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from harness.activations.unmodified import run_unmodified
from harness.attribution.engine import PathIntegral, integrate
from harness.attribution.quadrature import Quadrature
from harness.attribution.reference_points import reference_points
from harness.errors import ConfigError, near_matches
from harness.localizers.answer import check_answer
from harness.localizers.batches import Batch, attribute_words
from harness.localizers.cost import Cost, paths_cost
from harness.localizers.localizer import AttributionMap, Unscored
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.shape import ModelShape

_NAMES = {"code": "amig", "paper": "amig-paper"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MultilingualIntegratedGradients:
    """score = v * integral_0^1 (d p(answer) / d neurons)(b + a (v - b)) da, with b the mean of the b_i over words.

    v are the neurons at the last query token, b_i the same when word i gives way to the end-of-text token. That is what
    the authors' code computes. Their equations have a path from every b_i and sum over words; both multiply by v, not
    by (v - b), so the scores of a layer sum to nothing in particular. Eq. 18's normalisation, which would make every
    layer sum to 1, is in no code and left out.

    Attributes:
        quadrature: the paper's is right:20 (Eq. 17).
        answer: whose probability: the answer's `first` token, or all of them, the `joint` probability.
        reading: `code`: one path from the mean of the b_i; `paper`: one path a word, summed.

    Raises:
        ConfigError: an answer or a reading that does not exist.

    References:
        Eq. 15 to 19 of the paper; Chen et al. 2024, Journey to the Center of the Knowledge Neurons.
    """

    quadrature: Quadrature = field(default_factory=Quadrature)
    answer: str = "first"
    reading: str = "code"

    def __post_init__(self) -> None:
        """Checks answer and reading."""
        check_answer(self.answer)
        if self.reading not in _NAMES:
            raise ConfigError(
                f"no reading {self.reading!r} of AMIG. {near_matches(self.reading, _NAMES)}",
                setting="reading",
                value=self.reading,
            )

    @property
    def name(self) -> str:
        """`amig` or `amig-paper`."""
        return _NAMES[self.reading]

    def config(self) -> dict[str, Any]:
        """Method, reference point, quadrature, and which answer tokens count."""
        return {
            "method": "architecture-adapted multilingual integrated gradients",
            "reference": "each word replaced by the end-of-text token",
            "reading": self.reading,
            "quadrature": asdict(self.quadrature),
            "answer": self.answer,
        }

    def variant(self) -> "MultilingualIntegratedGradients":
        """The same integral by another rule: what the retest localizes with beside this one."""
        return replace(self, quadrature=self.quadrature.alternative())

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap | Unscored]:
        """Scores every neuron for every query that has a word: see `Localizer.attribute`.

        In the paper's reading `batch_size` counts (query, word) pairs, for each is a path of its own.
        """

        def of_words(batch: Batch, words: list[tuple[int, ...]]) -> PathIntegral:
            state = run_unmodified(model, batch.queries, answer_tokens=batch.answer_tokens)
            points = reference_points(state, batch.queries, words)
            if self.reading == "code":
                starts, counts = torch.stack([of_query.mean(1) for of_query in points], dim=1), None
            else:
                starts, counts = torch.cat(points, dim=1), [len(places) for places in words]
            return integrate(state, starts, self.quadrature, paths=counts, times_value=True, at_once=batch.at_once)

        return attribute_words(
            model,
            queries,
            of_words,
            quadrature=self.quadrature,
            answer=self.answer,
            batch_size=batch_size,
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
            paths=[1] * len(prompt_lengths) if self.reading == "code" else prompt_lengths,
            batch_size=batch_size,
            replaced=True,
        )
