"""What other methods are compared with: plain activation values, and random neurons."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from harness.attribution.quadrature import Quadrature
from harness.localizers import AttributionMap, HasVariant, Localizer, Unscored, make_localizer
from harness.localizers.random_control import RandomControl
from harness.localizers.selection import Selection, keep_largest
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.naive import neurons_at
from tests.random_models import FAMILIES, random_model, random_queries

RAGGED = [4, 1, 6, 1, 3]
RIGHT_2 = Quadrature(rule="right", steps=2)


def maps(localizer: Localizer, model: LoadedModel, queries: list[EncodedQuery], size: int | None = None) -> np.ndarray:
    found = localizer.attribute(model, queries, batch_size=size)
    return np.stack([item.scores for item in found if isinstance(item, AttributionMap)])


def selected(scores: np.ndarray, t: float) -> list[int]:
    kept = keep_largest(scores)
    return Selection(t=t).select(kept.neurons, kept.scores, kept.max_score).tolist()


@pytest.mark.parametrize("batch_size", [1, 3, None])
@pytest.mark.parametrize("family", FAMILIES)
def test_activation_values_are_those_of_whole_forward_passes(family: str, batch_size: int | None) -> None:
    model, queries = random_model(family), random_queries(RAGGED)
    found = maps(make_localizer("activation", quadrature=RIGHT_2), model, queries, batch_size)
    for query, scores in zip(queries, found, strict=True):
        for layer in range(model.n_layers):
            expected = neurons_at(model, query.prompt_ids, layer).numpy()
            np.testing.assert_allclose(scores[layer], expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("t", [0.1, 0.2, 0.5])
def test_random_neurons_are_as_many_in_the_same_layers_but_others(t: float) -> None:
    model, queries = random_model("gpt2"), random_queries(RAGGED)
    dealt = maps(make_localizer("random", quadrature=RIGHT_2), model, queries)
    matched = maps(make_localizer("ig", quadrature=RIGHT_2), model, queries)
    for one, other in zip(dealt, matched, strict=True):
        random, found = selected(one, t), selected(other, t)
        assert sorted(n // model.d_ff for n in random) == sorted(n // model.d_ff for n in found)
        assert random != found


def test_random_neurons_depend_on_the_querys_tokens_alone() -> None:
    model, queries = random_model("gpt2"), random_queries(RAGGED)
    localizer = make_localizer("random", quadrature=RIGHT_2)
    together = maps(localizer, model, queries)
    backwards = maps(localizer, model, queries[::-1], 2)[::-1]
    np.testing.assert_allclose(together, backwards, rtol=0, atol=1e-12 * np.abs(together).max())
    same_length = [scores for query, scores in zip(queries, together, strict=True) if len(query.prompt_ids) == 1]
    assert selected(same_length[0], 0.2) != selected(same_length[1], 0.2)


def test_the_variant_of_random_neurons_is_another_deal() -> None:
    model, queries = random_model("gpt2"), random_queries([4])
    localizer = make_localizer("random", quadrature=RIGHT_2)
    assert isinstance(localizer, HasVariant)
    variant = localizer.variant()
    assert variant.config() != localizer.config()
    one, other = (selected(maps(item, model, queries)[0], 0.2) for item in (localizer, variant))
    assert len(one) == len(other)
    assert one != other


def test_what_the_matched_localizer_does_not_score_is_not_scored() -> None:
    class Silent:
        name = "silent"

        def config(self) -> dict[str, Any]:
            return {}

        def attribute(
            self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
        ) -> list[Unscored]:
            return [Unscored(reason="silent") for _ in queries]

    control = RandomControl(of=Silent())
    assert control.name == "random-silent"
    assert control.attribute(random_model("gpt2"), random_queries([2]), batch_size=None) == [Unscored(reason="silent")]
