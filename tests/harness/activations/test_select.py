"""The run of some of the queries against running those alone."""

from collections.abc import Sequence

import pytest
import torch

from harness.activations.unmodified import Unmodified, climb_rows, run_unmodified
from harness.models.queries import EncodedQuery
from tests.random_configs import MASKED, VARIANTS
from tests.random_models import random_cloze, random_queries, random_variant, with_answers

INDICES = [3, 0, 0, 2]


def rows(state: Unmodified) -> torch.Tensor:
    """Where rows arrive that enter at the first layer with half the neurons."""
    entries = [state.neurons[0][:, None] / 2, *[None] * (state.model.n_layers - 1)]
    return climb_rows(state, entries)


def assert_same_run(found: Unmodified, expected: Unmodified, queries: Sequence[EncodedQuery]) -> None:
    assert found.queries == expected.queries == tuple(queries)
    torch.testing.assert_close(found.neurons, expected.neurons, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(rows(found), rows(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variant", [*VARIANTS, *MASKED])
def test_is_the_run_of_those_queries(variant: str) -> None:
    model = random_variant(variant, dtype=torch.float64)
    queries = random_cloze([6, 3, 4, 5]) if variant in MASKED else random_queries([6, 1, 4, 9])
    chosen = [queries[index] for index in INDICES]
    assert_same_run(run_unmodified(model, queries).select(INDICES), run_unmodified(model, chosen), chosen)


@pytest.mark.parametrize("lengths", [[6, 1, 4, 9], [1, 1, 1, 1]])
def test_with_answer_tokens_behind_them(lengths: list[int]) -> None:
    model = random_variant("llama", dtype=torch.float64)
    queries = with_answers(random_queries(lengths), [3, 2, 2, 4])
    chosen = [queries[index] for index in INDICES]
    found = run_unmodified(model, queries, answer_tokens=2).select(INDICES)
    expected = run_unmodified(model, chosen, answer_tokens=2)
    assert_same_run(found, expected, chosen)
    assert torch.equal(found.answer, expected.answer)


def test_of_all_queries_is_the_run_itself() -> None:
    state = run_unmodified(random_variant("gpt2"), random_queries([2, 3]))
    assert state.select([0, 1]) is state
    assert state.select([1, 0]) is not state
