"""SIG and AMIG against the naive methods, one query at a time, and against each other where they must agree."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch

from harness.activations.last_token import run_last_token
from harness.attribution.engine import integrate
from harness.attribution.quadrature import Quadrature
from harness.attribution.reference_points import reference_points
from harness.errors import ConfigError
from harness.localizers import AttributionMap, HasVariant, Unscored, make_localizer
from harness.localizers import multilingual as multilingual_module
from harness.localizers.multilingual import MultilingualIntegratedGradients
from harness.localizers.selection import Selection, keep_largest
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.captum_scores import captum_scores
from tests.naive import NAIVE, answer_probability, neurons_at, replaced
from tests.random_models import FAMILIES, norms_in_the_models_dtype, random_model, random_queries

RAGGED = [4, 1, 6, 1]
METHODS = tuple(NAIVE)
RIGHT_4 = Quadrature(rule="right", steps=4)


@pytest.fixture(autouse=True)
def norms_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    norms_in_the_models_dtype(monkeypatch)


def maps(
    method: str,
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    quadrature: Quadrature = RIGHT_4,
    batch_size: int | None = None,
) -> list[AttributionMap]:
    found = make_localizer(method, quadrature=quadrature).attribute(model, queries, batch_size=batch_size)
    assert all(isinstance(item, AttributionMap) for item in found)
    return [item for item in found if isinstance(item, AttributionMap)]


def naive(method: str, model: LoadedModel, query: EncodedQuery, quadrature: Quadrature = RIGHT_4) -> np.ndarray:
    nodes, weights = (torch.from_numpy(a) for a in quadrature.nodes_and_weights())
    words = range(len(query.prompt_ids))
    scores = NAIVE[method](model, query.prompt_ids, words, query.answer_ids[0], nodes, weights).numpy()
    return scores / np.sqrt((scores**2).sum()) if method == "sig" else scores


def knowledge_neurons(scores: np.ndarray) -> list[int]:
    kept = keep_largest(scores)
    return Selection().select(kept.neurons, kept.scores, kept.max_score).tolist()


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", METHODS)
def test_equals_the_naive_method_in_ragged_batches(method: str, family: str, dtype: torch.dtype, bound: float) -> None:
    model, queries = random_model(family, dtype=dtype, layers=3), random_queries(RAGGED)
    for query, found in zip(queries, maps(method, model, queries), strict=True):
        expected = naive(method, model, query)
        assert np.abs(found.scores - expected).max() <= bound * np.abs(expected).max()
        assert knowledge_neurons(found.scores) == knowledge_neurons(expected)


@pytest.mark.parametrize("rule", ["right:20", "trapezoid:5", "gauss-legendre:10"])
@pytest.mark.parametrize("method", METHODS)
def test_equals_the_naive_method_under_other_rules(method: str, rule: str) -> None:
    model, queries, quadrature = random_model("llama"), random_queries([4]), Quadrature.parse(rule)
    expected = naive(method, model, queries[0], quadrature)
    found = maps(method, model, queries, quadrature)[0].scores
    assert np.abs(found - expected).max() <= 1e-9 * np.abs(expected).max()


def test_sig_is_the_sum_of_captums_integrated_gradients_over_words() -> None:
    model, (query,) = random_model("llama", layers=2), random_queries([4])
    (found,) = maps("sig", model, [query], Quadrature(rule="gauss-legendre", steps=5))
    total = torch.zeros(2, model.d_ff, dtype=torch.float64)
    for layer in range(2):
        for word in range(4):
            reference = neurons_at(model, replaced(model, query.prompt_ids, word), layer)
            total[layer] += captum_scores(model, query, layer, reference, steps=5)
    np.testing.assert_allclose(found.scores, (total / total.norm()).numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, None])
@pytest.mark.parametrize("method", METHODS)
def test_company_changes_nothing(method: str, batch_size: int | None) -> None:
    """A query's scores are the same alone, in any batch, cut anywhere between its words, and in any order."""
    model, queries = random_model("gpt2", layers=2), random_queries(RAGGED)
    together = maps(method, model, queries[::-1], batch_size=batch_size)[::-1]
    for query, found in zip(queries, together, strict=True):
        (alone,) = maps(method, model, [query])
        np.testing.assert_allclose(found.scores, alone.scores, rtol=0, atol=1e-12 * np.abs(alone.scores).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_amig_with_reference_0_is_integrated_gradients(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(*args: object) -> list[torch.Tensor]:
        return [torch.zeros_like(points) for points in reference_points(*args)]  # type: ignore[arg-type]

    monkeypatch.setattr(multilingual_module, "reference_points", zeros)
    model, queries = random_model(family), random_queries(RAGGED)
    for one, other in zip(maps("amig", model, queries), maps("ig", model, queries), strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


@pytest.mark.parametrize("ids", [(7,), (0, 7), (0, 7, 0)])
@pytest.mark.parametrize("family", FAMILIES)
def test_with_one_word_sig_is_that_words_integrated_gradients(family: str, ids: tuple[int, ...]) -> None:
    model, query = random_model(family), EncodedQuery(prompt="", prompt_ids=ids, answer_ids=(3,))
    state = run_last_token(model, [query])
    other = EncodedQuery(prompt="", prompt_ids=tuple(0 for _ in ids), answer_ids=(3,))
    expected = integrate(state, run_last_token(model, [other]).neurons, RIGHT_4)
    (found,) = maps("sig", model, [query])
    scores = expected.scores[0] / expected.scores[0].norm()
    np.testing.assert_allclose(found.scores, scores.numpy(), rtol=0, atol=1e-12)
    assert expected.completeness_gap is not None
    assert found.completeness_gap == pytest.approx(float(expected.completeness_gap[0]), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_sigs_completeness_gap_is_that_of_its_worst_word(family: str) -> None:
    model, (query,) = random_model(family), random_queries([5])
    state, gaps = run_last_token(model, [query]), []
    (points,) = reference_points(state, [query], [range(5)])
    for word in range(5):
        start = points[:, word : word + 1]
        total = integrate(state, start, RIGHT_4).scores[0].sum(1)
        probability = partial(answer_probability, model, query.prompt_ids, query.answer_ids[0])
        p = probability(0, state.neurons[0])
        p_start = torch.cat([probability(layer, reference) for layer, reference in enumerate(start)])
        gaps.append(float(((total - (p - p_start)).abs() / p).max()))
    (found,) = maps("sig", model, [query])
    assert found.completeness_gap == pytest.approx(max(gaps), rel=1e-9)
    (converged,) = maps("sig", model, [query], Quadrature(rule="gauss-legendre", steps=64))
    assert converged.completeness_gap is not None
    assert converged.completeness_gap <= 1e-3


@pytest.mark.parametrize("method", ["amig", "amig-paper"])
def test_amig_has_no_completeness(method: str) -> None:
    assert maps(method, random_model("gpt2"), random_queries([3]))[0].completeness_gap is None


@pytest.mark.parametrize("method", METHODS)
def test_a_query_without_words_has_no_score_and_says_why(method: str) -> None:
    model, (one, other) = random_model("gpt2"), random_queries([4, 2])
    empty = EncodedQuery(prompt="", prompt_ids=(0, 0), answer_ids=(3,))
    localizer = make_localizer(method, quadrature=RIGHT_4)
    found = localizer.attribute(model, [one, empty, other], batch_size=None)
    assert found[1] == Unscored(reason="the query has no word to replace")
    for item, alone in zip((found[0], found[2]), maps(method, model, [one, other]), strict=True):
        assert isinstance(item, AttributionMap)
        np.testing.assert_array_equal(item.scores, alone.scores)
    assert localizer.attribute(model, [empty], batch_size=None) == [found[1]]


@pytest.mark.parametrize("method", METHODS)
def test_a_map_of_zeros_stays_one(method: str) -> None:
    """Where nothing reaches the answer every gradient is 0: no NaN comes of it, and no knowledge neuron."""
    model = random_model("gpt2")
    with torch.no_grad():
        model.head.weight.zero_()
    (found,) = maps(method, model, random_queries([3]))
    assert not found.scores.any()
    assert knowledge_neurons(found.scores) == []


@pytest.mark.parametrize("method", METHODS)
def test_model_is_left_as_it_was(method: str) -> None:
    model = random_model("llama")
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    maps(method, model, random_queries([3, 5]))
    assert all(torch.equal(value, before[name]) for name, value in model.model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.model.modules())
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in model.model.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_the_variant_is_the_same_method_by_another_rule(method: str) -> None:
    localizer = make_localizer(method, quadrature=Quadrature())
    assert isinstance(localizer, HasVariant)
    variant = localizer.variant()
    assert variant.name == localizer.name == method
    other = {"rule": "gauss-legendre", "steps": 10, "exhaustive": False}
    assert variant.config() == {**localizer.config(), "quadrature": other}


def test_a_reading_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="no reading 'papr' of AMIG"):
        MultilingualIntegratedGradients(reading="papr")
