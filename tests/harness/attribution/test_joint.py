"""The joint probability of several answer tokens, against whole sequences with autograd and the model itself."""

import pytest
import torch

from harness.activations.answers import answer_statistics
from harness.activations.last_token import run_last_token
from harness.attribution.engine import PathIntegral, integrate
from harness.attribution.quadrature import Quadrature
from harness.errors import ModelError
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.naive import answer_probability, naive_path_integral
from tests.random_configs import CONTEXT, VARIANTS
from tests.random_models import (
    FAMILIES,
    norms_in_the_models_dtype,
    random_model,
    random_queries,
    random_variant,
    with_answers,
)

RAGGED = [5, 1, 9, 1]
RIGHT_6 = Quadrature(rule="right", steps=6)


@pytest.fixture(autouse=True)
def norms_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    norms_in_the_models_dtype(monkeypatch)


def attribute(
    model: LoadedModel, queries: list[EncodedQuery], answer_tokens: int, quadrature: Quadrature = RIGHT_6
) -> PathIntegral:
    state = run_last_token(model, queries, answer_tokens=answer_tokens)
    return integrate(state, torch.zeros_like(state.neurons), quadrature)


def largest_error(model: LoadedModel, lengths: list[int], answer_tokens: int) -> float:
    """Between engine and naive method, relative to the largest score, over queries in one batch."""
    queries = with_answers(random_queries(lengths), [answer_tokens] * len(lengths))
    nodes, weights = (torch.from_numpy(a) for a in RIGHT_6.nodes_and_weights())
    errors = []
    for query, scores in zip(queries, attribute(model, queries, answer_tokens).scores, strict=True):
        expected = naive_path_integral(model, query.prompt_ids, query.answer_ids, nodes, weights)
        errors.append(float((scores - expected).abs().max() / expected.abs().max()))
    return max(errors)


@pytest.mark.parametrize("answer_tokens", [2, 3, 4])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize("family", FAMILIES)
def test_equals_the_naive_method(family: str, dtype: torch.dtype, bound: float, answer_tokens: int) -> None:
    assert largest_error(random_model(family, dtype=dtype), RAGGED, answer_tokens) <= bound


@pytest.mark.parametrize("family", FAMILIES)
def test_with_eager_attention(family: str) -> None:
    assert largest_error(random_model(family, dtype=torch.float32, attention="eager"), RAGGED, 3) <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_one_token_queries_alone(family: str) -> None:
    assert largest_error(random_model(family), [1, 1], 3) <= 1e-9


@pytest.mark.parametrize("variant", VARIANTS)
def test_of_every_family(variant: str) -> None:
    """Four answer tokens, as many as there are heads: no axis is taken for another."""
    model = random_variant(variant)
    assert largest_error(model, [5, 1, 9], 2) <= 1e-5
    assert largest_error(model, [3, 6], 4) <= 1e-5


@pytest.mark.parametrize("variant", ["gpt_neo", "mistral", "gemma2", "gemma3_text", "phi3"])
def test_up_to_the_window_exact_and_refused_beyond(variant: str) -> None:
    model = random_variant(variant)
    assert largest_error(model, [30, 7], 3) <= 1e-5
    with pytest.raises(ModelError, match=r"takes 32 tokens at once.*but a query has 33"):
        attribute(model, with_answers(random_queries([31]), [3]), 3)


def test_alibi_has_no_limit() -> None:
    assert largest_error(random_variant("bloom"), [2 * CONTEXT, 5], 3) <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_the_unmodified_probability_is_the_recorded_one(family: str) -> None:
    model, queries = random_model(family), with_answers(random_queries(RAGGED), [3] * 4)
    found = attribute(model, queries, 3).answer_probability
    for p, statistics in zip(found.tolist(), answer_statistics(model, queries), strict=True):
        assert p == pytest.approx(statistics.joint_probability, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_company_changes_nothing(family: str) -> None:
    model, queries = random_model(family), with_answers(random_queries(RAGGED), [3] * 4)
    together, backwards = attribute(model, queries, 3).scores, attribute(model, queries[::-1], 3).scores.flip(0)
    for index, query in enumerate(queries):
        alone = attribute(model, [query], 3).scores[0]
        for found in (together[index], backwards[index]):
            assert float((found - alone).abs().max()) <= 1e-12 * float(alone.abs().max())


@pytest.mark.parametrize("family", FAMILIES)
def test_completeness_with_64_gauss_legendre_nodes(family: str) -> None:
    """The scores of a layer sum to the difference of two joint probabilities, both from whole forward passes."""
    model, (query,) = random_model(family), with_answers(random_queries([6]), [3])
    found = attribute(model, [query], 3, Quadrature(rule="gauss-legendre", steps=64))
    assert float(found.completeness_gap) <= 1e-3
    ids = torch.tensor([query.prompt_ids + query.answer_ids[:-1]])

    def probability() -> float:
        p = model.model(input_ids=ids).logits[0, 5:].softmax(-1)
        return float(p.gather(1, torch.tensor(query.answer_ids)[:, None]).prod())

    p = probability()
    for layer, projection in enumerate(model.output_projections):

        def silence(_module: torch.nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            silent = args[0].clone()
            silent[:, 5] = 0
            return (silent,)

        handle = projection.register_forward_pre_hook(silence)
        difference = p - probability()
        handle.remove()
        assert float(found.scores[0, layer].sum()) == pytest.approx(difference, abs=1e-3 * p)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_at_a_node_equals_a_finite_difference(family: str) -> None:
    model, queries = random_model(family), with_answers(random_queries([4]), [2])
    state = run_last_token(model, queries, answer_tokens=2)
    scores = integrate(state, torch.zeros_like(state.neurons), Quadrature(rule="right", steps=1)).scores[0]
    for layer, index in [(0, 3), (1, 17), (3, 40)]:
        ends, step = [], 1e-6
        for sign in (1, -1):
            moved = state.neurons[layer].clone()
            moved[0, index] += sign * step
            ends.append(answer_probability(model, queries[0].prompt_ids, queries[0].answer_ids[:2], layer, moved)[0])
        slope = (ends[0] - ends[1]) / (2 * step)
        assert float(scores[layer, index]) == pytest.approx(float(slope * state.neurons[layer, 0, index]), rel=1e-5)
