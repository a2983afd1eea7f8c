"""Attention maps against transformers' own, one query at a time under eager attention."""

import numpy as np
import pytest
import torch

from harness.activations.attention import attention_maps, attention_sums
from harness.models.state import model_state
from tests.random_models import FAMILIES, random_model, random_queries

LENGTHS = [5, 1, 9, 3, 12]
HEADS = 4


def transformers_maps(family: str, dtype: torch.dtype) -> list[np.ndarray]:
    model = random_model(family, dtype=dtype, attention="eager")
    found = []
    for query in random_queries(LENGTHS):
        with torch.no_grad():
            output = model.model(input_ids=torch.tensor([query.prompt_ids]), output_attentions=True, use_cache=False)
        assert len(output.attentions) == model.n_layers
        found.append(torch.stack(output.attentions)[:, 0].float().numpy())
    return found


@pytest.mark.parametrize("batch_size", [None, 1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_maps_are_those_of_the_model_in_ragged_batches(family: str, batch_size: int | None) -> None:
    model = random_model(family, dtype=torch.float32)
    before = model_state(model.model)
    found = attention_maps(model, random_queries(LENGTHS), batch_size=batch_size)
    assert before.differences(model_state(model.model)) == []
    for maps, expected, tokens in zip(found, transformers_maps(family, torch.float32), LENGTHS, strict=True):
        assert maps.weights.shape == (
            model.n_layers,
            HEADS,
            tokens,
            tokens,
        )  # query heads: LLaMA has half as many others
        np.testing.assert_allclose(maps.weights, expected, rtol=0, atol=2e-6)
        np.testing.assert_array_equal(maps.last_row, maps.weights[:, :, tokens - 1])


@pytest.mark.parametrize("family", FAMILIES)
def test_sums_are_those_of_the_maps(family: str) -> None:
    model, queries = random_model(family), random_queries(LENGTHS)
    for sums, maps in zip(attention_sums(model, queries), attention_maps(model, queries), strict=True):
        np.testing.assert_allclose(sums.columns, maps.weights.sum(axis=2), atol=1e-6)
        np.testing.assert_allclose(sums.rows, 1, atol=1e-6)
        mean = maps.weights.mean(axis=(0, 1))
        np.testing.assert_allclose(sums.mean_columns, mean.sum(axis=0), atol=1e-6)
        np.testing.assert_allclose(sums.mean_rows, mean.sum(axis=1), atol=1e-6)


def test_half_precision_comes_as_float32() -> None:
    (maps,) = attention_maps(random_model("gpt2", dtype=torch.bfloat16), random_queries([4]))
    assert maps.weights.dtype == np.float32
    np.testing.assert_allclose(maps.weights.sum(-1), 1, atol=2e-2)


def test_no_query_no_map() -> None:
    assert attention_maps(random_model("gpt2"), []) == []
