"""Rows that attend apart against rows kept apart by a mask over one sequence."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from harness.activations.climb import climb
from harness.activations.last_token import run_last_token
from harness.activations.row_attention import ROW_ATTENTION, attending_by_row
from harness.errors import ModelError
from harness.models.attention import intercepting_attention
from harness.models.families import FAMILIES
from harness.models.loaded import LoadedModel
from tests.random_configs import VARIANTS
from tests.random_models import random_queries, random_variant, with_answers

BY_ROW = [name for name, config in VARIANTS.items() if FAMILIES[config().model_type].attention_interface]


def by_mask(model: LoadedModel) -> LoadedModel:
    """The same weights under a row that keeps the mask."""
    return LoadedModel(
        name=model.name,
        model=model.model,
        tokenizer=model.tokenizer,
        fingerprint="random",
        adapter=replace(model.family, attention_interface=False),
    )


def climbed(model: LoadedModel, answer_tokens: int) -> Tensor:
    queries = with_answers(random_queries([4, 1, 9]), [2, 2, 3])
    state = run_last_token(model, queries, answer_tokens=answer_tokens)
    return climb(state, [torch.stack([0.5 * b.neurons, 0 * b.neurons], dim=1) for b in state.blocks])


@pytest.mark.parametrize("answer_tokens", [1, 2])
@pytest.mark.parametrize("variant", BY_ROW)
def test_rows_see_what_the_mask_lets_them_see(variant: str, answer_tokens: int) -> None:
    model = random_variant(variant, dtype=torch.float64)
    found, expected = climbed(model, answer_tokens), climbed(by_mask(model), answer_tokens)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)  # some have softmax or norms in float32


def test_most_families_attend_by_row() -> None:
    assert {FAMILIES[VARIANTS[name]().model_type].model_type for name in BY_ROW} >= {"gpt2", "llama", "gemma2", "phi"}


def test_the_model_has_its_own_attention_again_also_after_an_exception() -> None:
    model = random_variant("gpt2")
    own = model.attention_implementation

    def break_off() -> None:
        with attending_by_row(model) as by_row:
            assert by_row
            raise RuntimeError(model.attention_implementation)

    with pytest.raises(RuntimeError, match=ROW_ATTENTION):
        break_off()
    assert model.attention_implementation == own


def test_a_row_that_promises_too_much_is_refused() -> None:
    model = random_variant("gptj")
    wrong = LoadedModel(
        name="wrong",
        model=model.model,
        tokenizer=model.tokenizer,
        fingerprint="random",
        adapter=replace(model.family, attention_interface=True),
    )
    with pytest.raises(ModelError, match="say attention_interface=False"), attending_by_row(wrong):
        pass
    assert model.attention_implementation == "eager"


def test_whoever_looks_at_the_weights_still_sees_them() -> None:
    model = random_variant("gpt2", dtype=torch.float64)
    seen: list[torch.Size] = []

    def look(_layer: int, weights: Tensor) -> Tensor:
        seen.append(weights.shape)
        return weights

    alone = climbed(model, 1)
    with intercepting_attention(model, look):
        torch.testing.assert_close(climbed(model, 1), alone)
    assert any(shape[2] == 2 for shape in seen)  # two rows in the upper block
