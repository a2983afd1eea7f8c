"""The attention function: nothing while idle, causal always, gone afterwards, and refused where it cannot act."""

from collections.abc import Callable

import pytest
import torch
import transformers
from transformers.masking_utils import AttentionMaskInterface

from harness.errors import ModelError
from harness.models.attention import ATTENTION_FUNCTION, intercepting_attention, lets_attention_be_changed
from harness.models.loaded import LoadedModel
from harness.models.state import model_state
from tests.random_models import FAMILIES, VOCABULARY, random_model, random_variant, word_tokenizer

IDS = torch.tensor([[5, 9, 2, 44, 17, 3], [8, 1, 1, 30, 0, 0]])
SIZES = {"vocab_size": VOCABULARY, "num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 32}
LLAMA_LIKE = {**SIZES, "num_key_value_heads": 2, "intermediate_size": 40, "max_position_embeddings": 64}
OTHERS = {
    "mistral": ("Mistral", {**LLAMA_LIKE, "sliding_window": 3}),
    "qwen3": ("Qwen3", {**LLAMA_LIKE, "head_dim": 8}),
    "gemma2": ("Gemma2", {**LLAMA_LIKE, "head_dim": 8, "sliding_window": 3, "attn_logit_softcapping": 0.5}),
    "gpt_neox": ("GPTNeoX", {**SIZES, "intermediate_size": 40, "max_position_embeddings": 64}),
}


def unchanged(_layer: int, weights: torch.Tensor) -> torch.Tensor:
    return weights


def copied(_layer: int, weights: torch.Tensor) -> torch.Tensor:
    """The same numbers in another tensor, so that the product with the values is ours."""
    return weights * 1


def logits(model: LoadedModel, ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.no_grad():
        return model.model(input_ids=ids, use_cache=False).logits


def other_model(name: str, attention: str = "eager") -> LoadedModel:
    prefix, sizes = OTHERS[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{prefix}Config")(**sizes, pad_token_id=0, attn_implementation=attention)
    model = getattr(transformers, f"{prefix}ForCausalLM")(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
    return LoadedModel(name=name, model=model, tokenizer=word_tokenizer(), fingerprint="random")


@pytest.mark.parametrize("family", FAMILIES)
def test_idle_it_is_eager_attention_to_the_last_bit(family: str) -> None:
    model = random_model(family, dtype=torch.float32, attention="eager")
    eager = logits(model)
    model.model.set_attn_implementation(ATTENTION_FUNCTION)
    idle = logits(model)
    assert float((idle - eager).abs().max()) == 0.0
    for change in (unchanged, copied):
        with intercepting_attention(model, change):
            assert float((logits(model) - idle).abs().max()) == 0.0


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_sdpa_up_to_rounding(family: str) -> None:
    model = random_model(family, dtype=torch.float32, attention="sdpa")
    own = logits(model)
    with intercepting_attention(model, unchanged):
        torch.testing.assert_close(logits(model), own, rtol=0, atol=1e-5)
    assert model.attention_implementation == "sdpa"


@pytest.mark.parametrize("name", OTHERS)
def test_other_families_with_windows_soft_caps_and_grouped_heads(name: str) -> None:
    model = other_model(name)
    own = logits(model)
    seen: list[torch.Tensor] = []

    def keep(layer: int, weights: torch.Tensor) -> torch.Tensor:
        assert layer == len(seen)
        seen.append(weights)
        return weights * 1

    with intercepting_attention(model, keep):
        assert float((logits(model) - own).abs().max()) == 0.0
    expected = model.model(input_ids=IDS, use_cache=False, output_attentions=True).attentions
    for ours, theirs in zip(seen, expected, strict=True):
        assert torch.equal(ours, theirs)
        assert ours.shape[1] == SIZES["num_attention_heads"]
    half = torch.tensor([0.5, 1, 1, 1, 1, 1])  # of one column: what norms the mixed values hides half of all
    with intercepting_attention(model, lambda _layer, weights: weights * half):
        assert float((logits(model) - own).abs().max()) > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("change", [unchanged, copied, lambda _layer, weights: weights * 2])
def test_no_token_sees_a_later_one(family: str, change: Callable[[int, torch.Tensor], torch.Tensor]) -> None:
    model, other = random_model(family, dtype=torch.float32), IDS.clone()
    other[:, 4:] = 77
    with intercepting_attention(model, change):
        first, second = logits(model), logits(model, other)
    assert float((first[:, :4] - second[:, :4]).abs().max()) == 0.0
    assert float((first[:, 4:] - second[:, 4:]).abs().max()) > 0.1


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_mask_function_it_refuses_rather_than_see_the_future(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(AttentionMaskInterface._global_mapping, ATTENTION_FUNCTION)
    model = random_model(family)
    with pytest.raises(ModelError, match="not be causal"), intercepting_attention(model, unchanged):
        logits(model)


def test_a_boolean_mask_is_a_mask() -> None:
    model = random_model("llama", dtype=torch.float32, attention="eager")
    mask = torch.ones(6, 6).tril().bool()[None, None].expand(2, 1, 6, 6)
    own = logits(model)
    with intercepting_attention(model, unchanged), torch.no_grad():
        found = model.model(input_ids=IDS, attention_mask=mask, use_cache=False).logits
    assert float((found - own).abs().max()) == 0.0


def test_the_inner_change_gets_what_the_outer_one_made() -> None:
    model = random_model("gpt2")
    seen: list[torch.Tensor] = []

    def keep(_layer: int, weights: torch.Tensor) -> torch.Tensor:
        seen.append(weights)
        return weights

    with intercepting_attention(model, lambda _layer, weights: weights * 3), intercepting_attention(model, keep):
        logits(model)
        assert model.attention_implementation == ATTENTION_FUNCTION
    torch.testing.assert_close(seen[0].sum(-1), torch.full_like(seen[0].sum(-1), 3.0))


def test_a_model_is_not_touched_by_what_is_done_to_another() -> None:
    one, other = random_model("gpt2"), random_model("gpt2", attention="eager")
    own = logits(other)
    with intercepting_attention(one, lambda _layer, weights: weights * 0), intercepting_attention(other, unchanged):
        assert float((logits(other) - own).abs().max()) == 0.0
        logits(one)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_is_left_as_it_was(family: str, attention: str) -> None:
    model = random_model(family, attention=attention)
    before = model_state(model.model)
    with intercepting_attention(model, copied):
        logits(model)
    assert before.differences(model_state(model.model)) == []

    def fail(layer: int, weights: torch.Tensor) -> torch.Tensor:
        if layer == 2:
            raise RuntimeError("in the middle of a pass")
        return weights

    with pytest.raises(RuntimeError, match="in the middle"), intercepting_attention(model, fail):
        logits(model)
    assert before.differences(model_state(model.model)) == []
    assert model.attention_implementation == attention
    with intercepting_attention(model, unchanged):  # nothing of the failed one is still on
        logits(model)


def test_a_family_that_does_not_go_through_the_interface_is_refused() -> None:
    config = transformers.GPTJConfig(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, rotary_dim=4)
    gptj = LoadedModel(
        name="a-gptj", model=transformers.GPTJForCausalLM(config), tokenizer=word_tokenizer(), fingerprint="random"
    )
    before = model_state(gptj.model)
    refused = pytest.raises(ModelError, match=r"a-gptj.*\(gptj\) cannot be given another attention function")
    with refused, intercepting_attention(gptj, unchanged):
        pytest.fail("nothing may run")
    assert before.differences(model_state(gptj.model)) == []


def test_layers_whose_weights_never_came_are_an_error() -> None:
    model = random_model("gpt2")
    refused = pytest.raises(ModelError, match=r"never showed its attention weights in layers \[0, 1, 2, 3\]")
    with refused, intercepting_attention(model, unchanged):
        pass


@pytest.mark.parametrize("family", ["gpt2", "llama", "gptj", "gpt_neo", "bloom", "falcon 7b"])
def test_whether_attention_can_be_changed_is_known_without_weights(family: str) -> None:
    model = random_variant(family)
    own = model.attention_implementation
    assert lets_attention_be_changed(model) is (family in ("gpt2", "llama"))
    assert model.attention_implementation == own
