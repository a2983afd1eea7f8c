"""Scaled synapses against whole forward passes written out by hand, and against hooks on the attention's output."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from harness.activations.attention import attention_maps
from harness.errors import ConfigError
from harness.interventions.synapses import ENHANCE, SUPPRESS, SynapseScaling, scaling_synapses
from harness.models.hooks import replacing_input
from harness.models.loaded import LoadedModel
from harness.models.state import model_state
from harness.synapses import SynapseSet
from tests.handwritten import Handwritten, forward
from tests.random_models import FAMILIES, random_model, random_queries

HEADS = 4
IDS = torch.tensor([[5, 9, 2, 44, 17, 3], [8, 1, 1, 30, 6, 71]])
FIRST, SECOND = SynapseSet([(0, 0, 1), (2, 0, 1), (0, 1, 3), (3, 3, 0)]), SynapseSet([(0, 2, h) for h in range(HEADS)])
OUTPUT = {"gpt2": "attn.c_proj", "llama": "self_attn.o_proj"}


def scaled(model: LoadedModel, scalings: Sequence[SynapseScaling], ids: Tensor = IDS) -> Tensor:
    with torch.no_grad(), scaling_synapses(model, scalings):
        return model.model(input_ids=ids, use_cache=False).logits


def plain(model: LoadedModel, ids: Tensor = IDS) -> Tensor:
    return scaled(model, [SynapseScaling(synapses=SynapseSet(), factor=0)] * len(ids), ids)


def by_hand(family: str, model: LoadedModel, ids: Tensor, scaling: SynapseScaling) -> Handwritten:
    def edit(layer: int, weights: Tensor) -> Tensor:
        changed = weights.clone()
        for synapse in scaling.synapses:
            if synapse.layer == layer:
                changed[synapse.head, :, synapse.column] *= scaling.factor
        if scaling.renormalise:
            for head in range(len(changed)):
                for row in range(changed.shape[1]):
                    total = changed[head, row].sum()
                    if total > 0:
                        changed[head, row] /= total
        return changed

    return forward(family, model.model.state_dict(), ids.tolist(), heads=HEADS, edit=edit)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_handwritten_model_is_the_model(family: str) -> None:
    """LLaMA's norms and its eager softmax are float32 whatever the weights are: hence 1e-5 and no less."""
    model = random_model(family)
    found = by_hand(family, model, IDS[0], SynapseScaling(synapses=SynapseSet(), factor=1))
    torch.testing.assert_close(found.logits, plain(model)[0], rtol=0, atol=1e-5)
    (query,) = random_queries([7])
    (maps,) = attention_maps(model, [query])
    own = forward(family, model.model.state_dict(), query.prompt_ids, heads=HEADS, edit=lambda _layer, weights: weights)
    torch.testing.assert_close(own.maps.float(), torch.from_numpy(maps.weights).float(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("factors", [(SUPPRESS, ENHANCE), (ENHANCE, 0.3)])
@pytest.mark.parametrize("family", FAMILIES)
def test_scaling_equals_a_handwritten_forward(family: str, factors: tuple[float, float], renormalise: bool) -> None:
    model = random_model(family)
    scalings = [
        SynapseScaling(synapses=synapses, factor=factor, renormalise=renormalise)
        for synapses, factor in zip((FIRST, SECOND), factors, strict=True)
    ]
    found = scaled(model, scalings)
    for ids, scaling, logits, own in zip(IDS, scalings, found, plain(model), strict=True):
        torch.testing.assert_close(by_hand(family, model, ids, scaling).logits, logits, rtol=0, atol=1e-5)
        assert float((logits - own).abs().max()) > 1e-2


@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_identities_change_nothing_at_all(family: str, renormalise: bool) -> None:
    model = random_model(family, dtype=torch.float32, attention="eager")
    with torch.no_grad():
        unmodified = model.model(input_ids=IDS, use_cache=False).logits
    everything = SynapseSet((c, layer, h) for c in range(6) for layer in range(4) for h in range(HEADS))
    for synapses, factor in ((everything, 1.0), (SynapseSet(), 0.0), (SynapseSet(), 2.0)):
        found = scaled(model, [SynapseScaling(synapses=synapses, factor=factor, renormalise=renormalise)] * 2)
        assert float((found - unmodified).abs().max()) == 0.0


@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_suppressing_every_column_of_a_head_is_zeroing_its_output(family: str, renormalise: bool) -> None:
    model, (layer, head) = random_model(family), (1, 2)
    whole = SynapseSet((column, layer, head) for column in range(IDS.shape[1]))

    def silence(mixed: Tensor) -> Tensor:
        heads = mixed.view(*mixed.shape[:-1], HEADS, -1).clone()
        heads[..., head, :] = 0
        return heads.view_as(mixed)

    with replacing_input(model.blocks[layer].get_submodule(OUTPUT[family]), silence):
        expected = plain(model)
    found = scaled(model, [SynapseScaling(synapses=whole, factor=0, renormalise=renormalise)] * 2)
    assert float((found - expected).abs().max()) == 0.0
    assert float((found - plain(model)).abs().max()) > 1e-2


@pytest.mark.parametrize("family", FAMILIES)
def test_nested_scalings_multiply(family: str) -> None:
    model = random_model(family)

    def of(synapses: SynapseSet, factor: float) -> list[SynapseScaling]:
        return [SynapseScaling(synapses=synapses, factor=factor)] * 2

    with scaling_synapses(model, of(FIRST | SECOND, 2)):
        nested = scaled(model, of(FIRST, 3))
    with scaling_synapses(model, of(FIRST, 6)):
        apart = scaled(model, of(SECOND, 2))
    assert float((nested - apart).abs().max()) == 0.0
    with scaling_synapses(model, of(FIRST, 2)):
        undone = scaled(model, of(FIRST, 0.5))
    assert float((undone - plain(model)).abs().max()) == 0.0


@pytest.mark.parametrize("family", FAMILIES)
def test_renormalised_rows_keep_their_sum_unless_nothing_is_left(family: str) -> None:
    model, (query,) = random_model(family, dtype=torch.float32), random_queries([6])
    first = SynapseSet((0, layer, head) for layer in range(4) for head in range(HEADS))
    with scaling_synapses(model, [SynapseScaling(synapses=first, factor=0, renormalise=True)]):
        (found,) = attention_maps(model, [query])
    assert (found.weights[..., 0] == 0).all()
    sums = torch.from_numpy(found.weights).sum(-1)
    assert (sums[..., 0] == 0).all()  # the first row saw nothing but the first column
    torch.testing.assert_close(sums[..., 1:], torch.ones_like(sums[..., 1:]))


def test_a_row_that_is_nearly_empty_is_renormalised_without_overflow() -> None:
    model, (query,) = random_model("gpt2", dtype=torch.float32), random_queries([3])
    everything = SynapseSet((c, 0, h) for c in range(3) for h in range(HEADS))
    with scaling_synapses(model, [SynapseScaling(synapses=everything, factor=1e-42, renormalise=True)]):
        (found,) = attention_maps(model, [query])
    torch.testing.assert_close(torch.from_numpy(found.weights).sum(-1), torch.ones(4, HEADS, 3))


@pytest.mark.parametrize("factor", [SUPPRESS, ENHANCE])
@pytest.mark.parametrize("family", FAMILIES)
def test_no_token_sees_a_later_one_under_an_intervention(family: str, factor: float) -> None:
    model, other = random_model(family, dtype=torch.float32), IDS.clone()
    other[:, 4:] = 77
    scaling = [SynapseScaling(synapses=FIRST, factor=factor)] * 2
    first, second = scaled(model, scaling), scaled(model, scaling, other)
    assert float((first[:, :4] - second[:, :4]).abs().max()) == 0.0
    assert float((first[:, 4:] - second[:, 4:]).abs().max()) > 0.1


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_is_left_as_it_was(family: str, attention: str) -> None:
    model = random_model(family, attention=attention)
    before = model_state(model.model)
    scaled(model, [SynapseScaling(synapses=FIRST, factor=0)] * 2)
    assert before.differences(model_state(model.model)) == []
    with pytest.raises(ConfigError, match="2 scalings for a batch of 1"):
        scaled(model, [SynapseScaling(synapses=FIRST, factor=0)] * 2, IDS[:1])
    assert before.differences(model_state(model.model)) == []


def test_synapses_outside_the_model() -> None:
    model = random_model("llama")
    for synapse, message in [
        ((0, 4, 0), "layer 4, the model has 4"),
        ((0, 0, 4), "outside 4 query heads"),
        ((6, 0, 0), "and 6 columns"),
    ]:
        with pytest.raises(ConfigError, match=message):
            scaled(model, [SynapseScaling(synapses=SynapseSet([synapse]), factor=0)] * 2)
    for factor in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="at least 0"):
            SynapseScaling(synapses=FIRST, factor=factor)
