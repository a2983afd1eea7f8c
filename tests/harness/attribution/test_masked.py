"""Masked language models: the engine, the neurons and the answers against the model itself."""

import pytest
import torch
from torch import Tensor

from harness.activations.answers import answer_statistics
from harness.activations.last_token import run_last_token
from harness.activations.masked_token import run_masked_token
from harness.activations.verification import verify_row
from harness.attribution.engine import integrate
from harness.attribution.quadrature import Quadrature
from harness.errors import ModelError
from harness.localizers import AttributionMap, make_localizer
from harness.models.families import FAMILIES
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery, mask_position
from tests.naive import NAIVE, answer_probability, naive_path_integral
from tests.random_configs import CONTEXT, MASKED
from tests.random_models import random_cloze, random_variant

RAGGED = [5, 1, 9, 3, 12]
RIGHT = Quadrature(rule="right", steps=20)


@pytest.fixture(scope="module", params=MASKED)
def model(request: pytest.FixtureRequest) -> LoadedModel:
    return random_variant(request.param)


def scores(model: LoadedModel, queries: list[EncodedQuery]) -> Tensor:
    state = run_masked_token(model, queries)
    return integrate(state, torch.zeros_like(state.neurons), RIGHT).scores


def place(model: LoadedModel, query: EncodedQuery) -> int:
    return mask_position(query.prompt_ids, model.tokenizer)


@torch.no_grad()
def logits(model: LoadedModel, query: EncodedQuery) -> Tensor:
    return model.model(input_ids=torch.tensor([query.prompt_ids])).logits[0, place(model, query)]


def largest_error(model: LoadedModel, queries: list[EncodedQuery]) -> float:
    nodes, weights = (torch.from_numpy(a) for a in RIGHT.nodes_and_weights())
    errors = []
    for query, found in zip(queries, scores(model, queries), strict=True):
        at = place(model, query)
        expected = naive_path_integral(model, query.prompt_ids, query.answer_ids[0], nodes, weights, at)
        errors.append(float((found - expected).abs().max() / expected.abs().max()))
    return max(errors)


def test_every_masked_family_is_tested() -> None:
    assert set(MASKED) == {name for name, row in FAMILIES.items() if row.masked}


def test_engine_equals_the_naive_method_in_ragged_batches(model: LoadedModel) -> None:
    assert largest_error(model, random_cloze(RAGGED)) <= 1e-5


@pytest.mark.parametrize("method", ["sig", "amig"])
def test_words_of_a_sentence_equal_the_naive_method(model: LoadedModel, method: str) -> None:
    """Every word that is not special gives way to the token that ends texts, on either side of the mask token."""
    quadrature, queries = Quadrature(rule="right", steps=3), random_cloze([4, 2])
    nodes, weights = (torch.from_numpy(a) for a in quadrature.nodes_and_weights())
    found = make_localizer(method, quadrature=quadrature).attribute(model, queries, batch_size=None)
    for query, of_query in zip(queries, found, strict=True):
        assert isinstance(of_query, AttributionMap)
        words = [i for i, token in enumerate(query.prompt_ids) if token not in model.tokenizer.all_special_ids]
        assert len(words) >= 1
        answer, at = query.answer_ids[0], place(model, query)
        expected = NAIVE[method](model, query.prompt_ids, words, answer, nodes, weights, at)
        if method == "sig":
            expected /= expected.norm()
        error = (torch.from_numpy(of_query.scores) - expected).abs().max() / expected.abs().max()
        assert float(error) <= 1e-5


@pytest.mark.parametrize("family", MASKED)
def test_in_double_precision(family: str) -> None:
    assert largest_error(random_variant(family, dtype=torch.float64), random_cloze([4, 7])) <= 1e-10


def test_company_changes_nothing(model: LoadedModel) -> None:
    queries = random_cloze(RAGGED)
    together, alone = scores(model, queries), torch.cat([scores(model, [query]) for query in queries])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6 * float(alone.abs().max()))


def test_unmodified_row_has_the_models_own_logits(model: LoadedModel) -> None:
    queries = random_cloze(RAGGED)
    state = run_masked_token(model, queries)
    for query, found in zip(queries, model.logits(model.final_norm(state.blocks[-1].output[:, 0])), strict=True):
        torch.testing.assert_close(found, logits(model, query), rtol=0, atol=1e-5)


def test_answer_statistics_are_the_models_own(model: LoadedModel) -> None:
    queries = random_cloze(RAGGED)
    top = int(logits(model, queries[0]).argmax())
    queries.append(EncodedQuery(prompt="", prompt_ids=queries[0].prompt_ids, answer_ids=(top,)))
    found = answer_statistics(model, queries)
    for query, statistics in zip(queries, found, strict=True):
        p = float(logits(model, query).softmax(-1)[query.answer_ids[0]])
        assert statistics.answer_probability == pytest.approx(p, rel=1e-4)
        assert statistics.joint_probability == statistics.answer_probability
    assert [s.top_token_is_answer for s in found][-1]
    assert not found[0].top_token_is_answer


def test_neurons_are_what_the_ffns_own_submodules_give(model: LoadedModel) -> None:
    queries = random_cloze(RAGGED)
    found = run_masked_token(model, queries).neurons
    for query, of_query in zip(queries, found.unbind(1), strict=True):
        for block, of_layer in zip(model.blocks, of_query, strict=True):
            seen: list[Tensor] = []
            handle = block.intermediate.register_forward_pre_hook(lambda _m, args, kept=seen: kept.append(args[0]))
            logits(model, query)
            handle.remove()
            expected = torch.nn.functional.gelu(block.intermediate.dense(seen[0][0, place(model, query)]))
            torch.testing.assert_close(of_layer, expected, rtol=1e-5, atol=1e-5)


def test_erasing_a_neuron_is_suppressing_it_at_all_positions(model: LoadedModel) -> None:
    (query,), neuron = random_cloze([6]), 7
    projection = model.output_projections[1]

    def suppress(_module: torch.nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        neurons = args[0].clone()
        neurons[..., neuron] = 0
        return (neurons,)

    before = logits(model, query)
    handle = projection.register_forward_pre_hook(suppress)
    suppressed = logits(model, query)
    handle.remove()
    kept = projection.weight[:, neuron].clone()
    projection.weight[:, neuron] = 0
    erased = logits(model, query)
    projection.weight[:, neuron] = kept
    assert torch.equal(erased, suppressed)
    assert not torch.equal(before, suppressed)


def test_gradient_at_the_value_equals_a_finite_difference() -> None:
    """One step of the right rule is the gradient at the unmodified neurons times the neurons."""
    model, queries = random_variant("bert", dtype=torch.float64), random_cloze([6])
    state, (query,) = run_masked_token(model, queries), queries
    found = integrate(state, torch.zeros_like(state.neurons), Quadrature(rule="right", steps=1)).scores[0]
    for layer, index in [(0, 3), (1, 17)]:
        ends = []
        for sign in (1, -1):
            moved, answer = state.neurons[layer].clone(), query.answer_ids[0]
            moved[0, index] += sign * 1e-6
            ends.append(answer_probability(model, query.prompt_ids, answer, layer, moved, place(model, query))[0])
        slope = (ends[0] - ends[1]) / 2e-6
        assert float(found[layer, index]) == pytest.approx(float(slope * state.neurons[layer, 0, index]), rel=1e-4)


def test_row_describes_its_model(model: LoadedModel) -> None:
    verify_row(model)


def test_a_sentence_that_is_too_long(model: LoadedModel) -> None:
    assert model.context_length == CONTEXT
    assert largest_error(model, random_cloze([CONTEXT, 4])) <= 1e-5
    with pytest.raises(ModelError, match=rf"takes {CONTEXT} tokens at once, but a query has {CONTEXT + 1}"):
        run_masked_token(model, random_cloze([CONTEXT + 1]))


def test_what_is_made_for_causal_models_is_refused(model: LoadedModel) -> None:
    with pytest.raises(ModelError, match="is a masked language model"):
        run_last_token(model, random_cloze([4]))


def test_model_is_left_as_it_was(model: LoadedModel) -> None:
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    scores(model, random_cloze([3, 5]))
    assert all(torch.equal(value, before[name]) for name, value in model.model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.model.modules())
