"""Architecture-adapted multilingual integrated gradients (AMIG) of Chen et al. (2024)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from harness.activations.last_token import run_last_token
from harness.attribution.engine import PathIntegral, integrate
from harness.attribution.memory import paths_at_once
from harness.attribution.quadrature import Quadrature
from harness.attribution.reference_points import reference_points
from harness.attribution.word_paths import integrate_word_paths
from harness.errors import ConfigError, near_matches
from harness.localizers.batches import attribute_words
from harness.localizers.localizer import AttributionMap, Unscored
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

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
        reading: `code`: one path from the mean of the b_i; `paper`: one path a word, summed.

    Raises:
        ConfigError: a reading that does not exist.

    References:
        Eq. 15 to 19 of the paper; Chen et al. 2024, Journey to the Center of the Knowledge Neurons.
    """

    quadrature: Quadrature = field(default_factory=Quadrature)
    reading: str = "code"

    def __post_init__(self) -> None:
        """Checks the reading."""
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
        """Method, reference point and quadrature."""
        return {
            "method": "architecture-adapted multilingual integrated gradients",
            "reference": "each word replaced by the end-of-text token",
            "reading": self.reading,
            "quadrature": asdict(self.quadrature),
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
        size = batch_size or paths_at_once(model, self.quadrature, queries)

        def from_mean(part: list[EncodedQuery], words: list[tuple[int, ...]]) -> PathIntegral:
            state = run_last_token(model, part)
            means = torch.stack([points.mean(1) for points in reference_points(state, part, words)], dim=1)
            return integrate(state, means, self.quadrature, factor=state.neurons)

        def from_each(part: list[EncodedQuery], words: list[tuple[int, ...]]) -> PathIntegral:
            return integrate_word_paths(model, part, words, self.quadrature, at_once=size, times_value=True)

        return attribute_words(model, queries, size, from_mean if self.reading == "code" else from_each)
