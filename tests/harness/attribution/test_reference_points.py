"""Reference points of words against whole forward passes of the query with one word replaced."""

import pytest
import torch

from harness.activations.last_token import run_last_token
from harness.attribution.reference_points import reference_points, word_positions
from harness.errors import ModelError
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.naive import neurons_at, replaced
from tests.random_models import FAMILIES, norms_in_the_models_dtype, random_model, random_queries, random_variant

RAGGED = [5, 1, 9, 3, 1]
EOS = 0


@pytest.fixture(autouse=True)
def norms_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    norms_in_the_models_dtype(monkeypatch)


@pytest.fixture(autouse=True)
def softmax_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLaMA's eager attention takes it in float32 whatever the dtype."""
    softmax = torch.nn.functional.softmax

    def in_double(scores: torch.Tensor, dim: int, dtype: torch.dtype | None = None) -> torch.Tensor:
        return softmax(scores, dim=dim, dtype=torch.promote_types(scores.dtype, dtype or scores.dtype))

    monkeypatch.setattr(torch.nn.functional, "softmax", in_double)


def found_by_the_engine(model: LoadedModel, queries: list[EncodedQuery]) -> list[torch.Tensor]:
    return reference_points(run_last_token(model, queries), queries, word_positions(model, queries))


def one_by_one(model: LoadedModel, query: EncodedQuery) -> torch.Tensor:
    prompts = [replaced(model, query.prompt_ids, i) for i, token in enumerate(query.prompt_ids) if token != EOS]
    layers = range(model.n_layers)
    return torch.stack([torch.stack([neurons_at(model, p, layer) for p in prompts]) for layer in layers])


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FAMILIES)
def test_equal_whole_forward_passes_in_ragged_batches(family: str, attention: str) -> None:
    model, queries = random_model(family, attention=attention), random_queries(RAGGED)
    for query, found in zip(queries, found_by_the_engine(model, queries), strict=True):
        torch.testing.assert_close(found, one_by_one(model, query), rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", ["gpt_neo", "mistral", "gpt2"])
def test_words_of_long_and_short_queries_run_together_only_while_both_fit_into_the_context(variant: str) -> None:
    """Behind a long prefix, few tokens fit; GPT-Neo cuts its mask out of a buffer, Mistral looks back over a window."""
    model = random_variant(variant, dtype=torch.float64)
    assert model.context_length is not None
    queries = random_queries([model.context_length, model.context_length - 1, 3, 1])
    for query, found in zip(queries, found_by_the_engine(model, queries), strict=True):
        torch.testing.assert_close(found, one_by_one(model, query), rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_are_no_words(family: str) -> None:
    """In front, where a beginning-of-text token stands, or inside."""
    model = random_model(family)
    queries = [
        EncodedQuery(prompt="", prompt_ids=ids, answer_ids=(1,))
        for ids in [(EOS, 7, 8, 9), (7, EOS, 8), (EOS, 7), (7, 8, 9, EOS)]
    ]
    assert word_positions(model, queries) == [(1, 2, 3), (0, 2), (1,), (0, 1, 2)]
    for query, found in zip(queries, found_by_the_engine(model, queries), strict=True):
        torch.testing.assert_close(found, one_by_one(model, query), rtol=0, atol=1e-12)


def test_a_tokenizer_without_an_end_of_text_token() -> None:
    model, queries = random_model("gpt2"), random_queries([3])
    model.tokenizer.eos_token = None
    with pytest.raises(ModelError, match="Name one as eos_token in its"):
        word_positions(model, queries)


def test_hooks_are_gone_after_an_exception() -> None:
    model, queries = random_model("gpt2"), random_queries([3])
    state = run_last_token(model, queries)
    broken = [EncodedQuery(prompt="", prompt_ids=(1, 2, 10_000), answer_ids=(1,))]
    with pytest.raises(IndexError):
        reference_points(state, broken, [(0, 1, 2)])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.model.modules())
