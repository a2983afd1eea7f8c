"""Batches of effects against one query, one set and one handwritten pass at a time."""

import numpy as np
import pytest
import torch

from harness.activations.attention import attention_sums
from harness.errors import ConfigError
from harness.interventions.knowledge_synapses import KnowledgeSynapses
from harness.interventions.random_synapses import RandomSynapses
from harness.interventions.synapse_effects import ScaledQuery, SynapseEffects, synapse_effects
from harness.interventions.synapses import ENHANCE, SUPPRESS, SynapseScaling
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.state import model_state
from harness.synapses import SynapseSet
from tests.handwritten import forward
from tests.random_models import FAMILIES, random_model, random_queries

HEADS = 4
QUERIES = random_queries([5, 2, 9, 7])


def items_of(model: LoadedModel) -> list[ScaledQuery]:
    """Own synapses, those of another query and random ones, suppressed and enhanced, renormalised or not."""
    columns = [sums.columns for sums in attention_sums(model, QUERIES)]
    rng = np.random.default_rng(0)
    found = []
    for index, query in enumerate(QUERIES):
        own = KnowledgeSynapses().select(columns[index])
        irrelevant = KnowledgeSynapses().select(columns[index - 1]).within(len(query.prompt_ids))
        control = RandomSynapses().draw(own, columns[index].shape, rng)
        found += [
            ScaledQuery(
                query=index, scaling=SynapseScaling(synapses=synapses, factor=factor, renormalise=index % 2 == 0)
            )
            for synapses in (own, irrelevant, control)
            for factor in (SUPPRESS, ENHANCE)
        ]
    return found[::-1]


def by_hand(
    family: str, model: LoadedModel, query: EncodedQuery, scaling: SynapseScaling
) -> tuple[float, torch.Tensor]:
    def edit(layer: int, weights: torch.Tensor) -> torch.Tensor:
        changed = weights.clone()
        for column, at, head in scaling.synapses:
            if at == layer:
                changed[head, :, column] *= scaling.factor
        sums = changed.sum(-1, keepdim=True)
        return torch.where(sums > 0, changed / sums, changed) if scaling.renormalise else changed

    found = forward(family, model.model.state_dict(), query.prompt_ids, heads=HEADS, edit=edit)
    return float(found.logits[-1].log_softmax(-1)[query.answer_ids[0]]), found.neurons


@pytest.mark.parametrize("family", FAMILIES)
def test_effects_equal_a_handwritten_forward(family: str) -> None:
    model = random_model(family, dtype=torch.float32)
    items = items_of(model)
    found = synapse_effects(model, QUERIES, items)
    double = random_model(family)
    for i, item in enumerate(items):
        query = QUERIES[item.query]
        assert found.query[i] == item.query
        nothing = SynapseScaling(synapses=SynapseSet(), factor=1)
        for scaling, log_p, neurons in (
            (nothing, found.log_p_before[item.query], found.neurons_before[:, item.query]),
            (item.scaling, found.log_p_after[i], found.neurons_after[:, i]),
        ):
            expected_log_p, expected_neurons = by_hand(family, double, query, scaling)
            assert float(log_p) == pytest.approx(expected_log_p, abs=2e-5)
            np.testing.assert_allclose(neurons, expected_neurons.numpy(), atol=2e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_batched_equals_one_at_a_time(family: str) -> None:
    model = random_model(family, dtype=torch.float32)
    items = items_of(model)
    together = synapse_effects(model, QUERIES, items)
    for batch_size in (1, 3):
        other = synapse_effects(model, QUERIES, items, batch_size=batch_size)
        _same(together, other, atol=1e-5)
    for i, item in list(enumerate(items))[::3]:
        alone = synapse_effects(model, [QUERIES[item.query]], [ScaledQuery(query=0, scaling=item.scaling)])
        assert float(alone.log_p_after[0]) == pytest.approx(float(together.log_p_after[i]), abs=1e-5)
        np.testing.assert_allclose(alone.neurons_after[:, 0], together.neurons_after[:, i], atol=1e-5)


def _same(one: SynapseEffects, other: SynapseEffects, atol: float) -> None:
    for name in ("log_p_before", "log_p_after", "neurons_before", "neurons_after"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=atol)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_changes_nothing_shows_exactly_the_unmodified_query(family: str) -> None:
    model = random_model(family, dtype=torch.float32)
    scalings = [
        SynapseScaling(synapses=SynapseSet([(0, 0, 0)]), factor=1),
        SynapseScaling(synapses=SynapseSet(), factor=0),
        SynapseScaling(synapses=SynapseSet([(0, 0, 0)]), factor=0),
    ]
    found = synapse_effects(model, QUERIES, [ScaledQuery(query=2, scaling=scaling) for scaling in scalings])
    difference = found.log_p_after - found.log_p_before[found.query]
    assert difference[:2].tolist() == [0.0, 0.0]
    assert abs(float(difference[2])) > 1e-4
    assert (found.neurons_after[:, :2] == found.neurons_before[:, found.query[:2]]).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_below_the_lowest_scaled_one_are_untouched(family: str) -> None:
    model = random_model(family, dtype=torch.float32)
    item = ScaledQuery(query=0, scaling=SynapseScaling(synapses=SynapseSet([(1, 2, 3)]), factor=0))
    found = synapse_effects(model, QUERIES, [item])
    moved = np.abs(found.neurons_after[:, 0] - found.neurons_before[:, 0]).max(axis=1)
    assert moved[:2] == pytest.approx([0, 0], abs=1e-6)
    assert (moved[2:] > 1e-4).all()


def test_the_model_is_left_as_it_was_also_after_an_error() -> None:
    model = random_model("llama")
    before = model_state(model.model)
    synapse_effects(model, QUERIES, items_of(model))
    assert before.differences(model_state(model.model)) == []
    beyond_vocabulary = [EncodedQuery(prompt="", prompt_ids=(1, 10_000), answer_ids=(1,))]
    with pytest.raises(IndexError):
        synapse_effects(model, beyond_vocabulary, [])
    assert before.differences(model_state(model.model)) == []


def test_items_that_do_not_fit_their_query() -> None:
    model = random_model("gpt2")
    scaling = SynapseScaling(synapses=SynapseSet([(5, 0, 0)]), factor=0)
    with pytest.raises(ConfigError, match="column 5 lies beyond the 5 tokens of query 0"):
        synapse_effects(model, QUERIES, [ScaledQuery(query=0, scaling=scaling)])
    with pytest.raises(ConfigError, match="names query 4, there are 4"):
        synapse_effects(model, QUERIES, [ScaledQuery(query=4, scaling=scaling)])


def test_half_precision_comes_as_float32() -> None:
    model = random_model("gpt2", dtype=torch.bfloat16)
    found = synapse_effects(model, QUERIES[:1], [])
    assert (found.log_p_before.dtype, found.neurons_before.dtype) == (np.float32, np.float32)
    assert found.log_p_after.shape == (0,)
