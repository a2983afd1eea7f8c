"""Batches of scaled neurons against one query, one set and one whole pass with hooks at a time, on every family."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.activations.whole_queries import run_whole
from harness.errors import ConfigError
from harness.interventions import climbing_scalings
from harness.interventions.neuron_effects import NeuronItem, neuron_effects
from harness.interventions.neurons import NeuronScaling, scaling_neurons
from harness.interventions.synapses import ENHANCE, SUPPRESS
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery, mask_position
from harness.models.state import model_state
from harness.neurons import NeuronSet
from tests.random_configs import MASKED, VARIANTS
from tests.random_models import random_cloze, random_model, random_queries, random_variant

LENGTHS = [5, 1, 9, 1, 12]


ALWAYS = ("gpt2", "llama", "gpt_neox", "gpt_neo", "bloom", "gemma2", "opt", "bert")
"""Families whose tests are not slow ones: between them they have every way in which rows enter a block."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name not in ALWAYS)) for name in (*VARIANTS, *MASKED)],
)
def model(request: pytest.FixtureRequest) -> LoadedModel:
    return random_variant(request.param)


def queries_for(model: LoadedModel) -> list[EncodedQuery]:
    return random_cloze(LENGTHS) if model.family.masked else random_queries(LENGTHS)


def random_set(model: LoadedModel, rng: np.random.Generator) -> NeuronSet:
    """Of a random size; sometimes in one layer only, so that rows enter at different ones."""
    layers = [int(rng.integers(model.n_layers))] if rng.random() < 0.5 else range(model.n_layers)
    return NeuronSet((layer, int(i)) for layer in layers for i in rng.choice(model.d_ff, rng.integers(1, 20)))


def items_for(model: LoadedModel, queries: Sequence[EncodedQuery], seed: int = 0) -> list[NeuronItem]:
    """Different numbers of items a query, none for the last one, in no order."""
    rng = np.random.default_rng(seed)
    found = [
        NeuronItem(query=index, scaling=NeuronScaling(neurons=random_set(model, rng), factor=factor))
        for index in range(len(queries) - 1)
        for _ in range(1 + 2 * index)
        for factor in (SUPPRESS, ENHANCE, 0.3)
    ]
    return [found[i] for i in rng.permutation(len(found))]


@torch.no_grad()
def by_hand(model: LoadedModel, query: EncodedQuery, scaling: NeuronScaling | None, positions: str) -> float:
    """log p(answer) from one pass of the whole model, with a hook on every output projection."""
    place = mask_position(query.prompt_ids, model.tokenizer) if model.family.masked else len(query.prompt_ids) - 1
    where = slice(None) if positions == "all" else place

    def hook(layer: int) -> object:
        def scale(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            neurons = args[0].reshape(len(query.prompt_ids), -1).clone()
            for neuron in scaling.neurons if scaling else ():
                if neuron.layer == layer:
                    neurons[where, neuron.index] *= scaling.factor
            return (neurons.view(args[0].shape), *args[1:])

        return scale

    handles = [p.register_forward_pre_hook(hook(layer)) for layer, p in enumerate(model.output_projections)]
    logits = model.model(input_ids=torch.tensor([query.prompt_ids])).logits[0, place]
    for handle in handles:
        handle.remove()
    return float(logits.log_softmax(-1)[query.answer_ids[0]])


@pytest.mark.parametrize("positions", ["last", "all"])
def test_batched_equals_one_pass_with_hooks_at_a_time(model: LoadedModel, positions: str) -> None:
    queries = queries_for(model)
    items = items_for(model, queries)
    found = neuron_effects(model, queries, items, positions=positions)
    before = [by_hand(model, query, None, positions) for query in queries]
    after = [by_hand(model, queries[item.query], item.scaling, positions) for item in items]
    np.testing.assert_allclose(found.log_p_before, before, atol=1e-5)
    np.testing.assert_allclose(found.log_p_after, after, atol=1e-5)
    assert np.abs(found.change).max() > 1e-2


@pytest.mark.parametrize("batch_size", [1, 20])
@pytest.mark.parametrize("name", ["gpt2", pytest.param("gemma2", marks=pytest.mark.slow), "bert"])
def test_the_size_of_batches_changes_nothing(name: str, batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_variant(name)
    queries = queries_for(model)
    items = items_for(model, queries)
    whole = neuron_effects(model, queries, items)
    np.testing.assert_allclose(
        neuron_effects(model, queries, items, batch_size=batch_size).change, whole.change, atol=1e-5
    )
    monkeypatch.setattr(climbing_scalings, "_ROWS_A_QUERY", 4)
    monkeypatch.setattr(climbing_scalings, "_TOKENS_AT_ONCE", 30)
    np.testing.assert_allclose(neuron_effects(model, queries, items).change, whole.change, atol=1e-5)


@pytest.mark.parametrize("name", ["gpt_neo", "gpt2"])
def test_more_rows_than_the_context_has_positions(name: str) -> None:
    model, rng = random_variant(name), np.random.default_rng(0)
    queries = random_queries([30])
    items = [
        NeuronItem(query=0, scaling=NeuronScaling(neurons=random_set(model, rng), factor=SUPPRESS)) for _ in range(50)
    ]
    after = [by_hand(model, queries[0], item.scaling, "last") for item in items]
    np.testing.assert_allclose(neuron_effects(model, queries, items).log_p_after, after, atol=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_deeper_models_in_double_precision(family: str) -> None:
    model = random_model(family)
    queries = random_queries(LENGTHS)
    items = items_for(model, queries)
    found = neuron_effects(model, queries, items)
    after = [by_hand(model, queries[item.query], item.scaling, "last") for item in items]
    np.testing.assert_allclose(found.log_p_after, after, atol=1e-6 if family == "llama" else 1e-11)
    assert found.log_p_after.dtype == np.float64


@pytest.mark.parametrize("positions", ["last", "all"])
def test_what_changes_nothing_is_exactly_nothing_and_is_not_run(
    model: LoadedModel, positions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = NeuronSet((layer, i) for layer in range(model.n_layers) for i in range(model.d_ff))
    scalings = [NeuronScaling(neurons=everything, factor=1), NeuronScaling(neurons=NeuronSet(), factor=0)]
    items = [NeuronItem(query=2, scaling=scaling) for scaling in scalings]
    one = NeuronItem(query=2, scaling=NeuronScaling(neurons=everything, factor=0))
    found = neuron_effects(model, queries_for(model), [items[0], one, items[1]], positions=positions)
    assert found.change[[0, 2]].tolist() == [0.0, 0.0]
    assert found.change[1] != 0
    monkeypatch.setattr(climbing_scalings, "climb_rows", None)
    assert neuron_effects(model, queries_for(model), items, positions=positions).change.tolist() == [0.0, 0.0]


def test_the_model_is_left_as_it_was_also_after_an_error(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_state(model.model)
    queries = queries_for(model)
    items = items_for(model, queries)
    for positions in ("last", "all"):
        neuron_effects(model, queries, items, positions=positions)
        assert before.differences(model_state(model.model)) == []

    def fail(*_args: object) -> None:
        raise RuntimeError("broken block")

    handle = model.blocks[-1].register_forward_pre_hook(fail)
    broken = model_state(model.model)
    for positions in ("last", "all"):
        with pytest.raises(RuntimeError, match="broken block"):
            neuron_effects(model, queries, items, positions=positions)
        assert broken.differences(model_state(model.model)) == []
    handle.remove()


def test_an_error_while_rows_climb_leaves_no_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_variant("gemma2")
    before, queries = model_state(model.model), queries_for(model)
    calls: list[object] = []

    def fail_later(*_args: object) -> None:
        calls.append(None)
        if len(calls) > 2:  # after prefix and last token
            raise RuntimeError("broken row")

    handle = model.output_projections[1].register_forward_pre_hook(fail_later)
    with pytest.raises(RuntimeError, match="broken row"):
        neuron_effects(model, queries, items_for(model, queries))
    handle.remove()
    assert before.differences(model_state(model.model)) == []


@pytest.mark.parametrize("at_last", [True, False])
def test_nested_scalings_multiply(model: LoadedModel, at_last: bool) -> None:
    queries = queries_for(model)[:3]
    rng = np.random.default_rng(1)
    one, other = random_set(model, rng), random_set(model, rng)
    places = [mask_position(q.prompt_ids, model.tokenizer) if model.family.masked else -1 for q in queries]
    last = [len(q.prompt_ids) - 1 if place < 0 else place for q, place in zip(queries, places, strict=True)]
    at = torch.tensor(last) if at_last else None

    def scaled(neurons: NeuronSet, factor: float) -> object:
        return scaling_neurons(model, [NeuronScaling(neurons=neurons, factor=factor)] * len(queries), at=at)

    with scaled(one, 3), scaled(other, 0.5):
        nested = run_whole(model, queries).log_probability
    with scaled(one - other, 3), scaled(other - one, 0.5), scaled(one & other, 1.5):
        apart = run_whole(model, queries).log_probability
    torch.testing.assert_close(nested, apart, rtol=0, atol=1e-6)
    with scaled(one, 2), scaled(one, 0.5):
        undone = run_whole(model, queries).log_probability
    assert torch.equal(undone, run_whole(model, queries).log_probability)  # powers of two: to the last bit


def test_what_cannot_be_done_is_said() -> None:
    model, queries = random_variant("gpt2"), random_queries([4])
    scaling = NeuronScaling(neurons=NeuronSet([(0, 5)]), factor=0)
    with pytest.raises(ConfigError, match="names query 1, there are 1"):
        neuron_effects(model, queries, [NeuronItem(query=1, scaling=scaling)])
    with pytest.raises(ConfigError, match="Did you mean last"):
        neuron_effects(model, queries, [], positions="lst")
    for outside in [(2, 0), (0, model.d_ff)]:
        item = NeuronItem(query=0, scaling=NeuronScaling(neurons=NeuronSet([outside]), factor=0))
        with pytest.raises(ConfigError, match="lies outside 'gpt2', which has 2 layers of"):
            neuron_effects(model, queries, [item])
    with pytest.raises(ConfigError, match="finite factor, got nan"):
        NeuronScaling(neurons=NeuronSet(), factor=float("nan"))
    with scaling_neurons(model, [scaling] * 2), pytest.raises(ConfigError, match="2 scalings for a batch of"):
        run_whole(model, queries)


def test_no_items_and_half_precision() -> None:
    model = random_variant("llama", dtype=torch.bfloat16)
    found = neuron_effects(model, random_queries([4, 2]), [])
    assert (found.log_p_before.dtype, found.log_p_after.shape, found.change.shape) == (np.float32, (0,), (0,))
    item = NeuronItem(query=1, scaling=NeuronScaling(neurons=NeuronSet([(0, 1), (1, 3)]), factor=ENHANCE))
    found = neuron_effects(model, random_queries([4, 2]), [item])
    assert found.log_p_after.dtype == np.float32
