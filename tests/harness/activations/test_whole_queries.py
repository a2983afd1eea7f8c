"""Whole padded batches against the last token's own run and against the answers' statistics."""

import math

import pytest
import torch

from harness.activations.answers import answer_statistics
from harness.activations.last_token import run_last_token
from harness.activations.whole_queries import TOKENS_AT_ONCE, TOKENS_ENOUGH, batches_by_length, run_whole
from tests.random_models import FAMILIES, random_model, random_queries


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_token_is_the_one_of_the_engine(family: str) -> None:
    model, queries = random_model(family), random_queries([5, 1, 9, 3])
    found = run_whole(model, queries)
    torch.testing.assert_close(found.neurons, run_last_token(model, queries).neurons, rtol=0, atol=1e-6)
    for log_p, statistics in zip(found.log_probability.tolist(), answer_statistics(model, queries), strict=True):
        assert math.exp(log_p) == pytest.approx(statistics.answer_probability, rel=1e-5)


def test_batches_hold_every_index_once_and_similar_lengths() -> None:
    lengths = [7, 3, 9, 9, 2, 300, 5] * 60
    for batch_size in (None, 1, 8):
        batches = batches_by_length(lengths, batch_size)
        assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
        for batch in batches:
            longest = max(lengths[i] for i in batch)
            assert len(batch) <= (batch_size or max(1, TOKENS_AT_ONCE // longest))
    assert [len(batch) for batch in batches_by_length([2 * TOKENS_AT_ONCE, 1], None)] == [1, 1]
    assert batches_by_length([], None) == []


def test_padding_is_kept_small_where_there_are_queries_enough() -> None:
    lengths = [length for length in range(4, 13) for _ in range(100)]
    batches = batches_by_length(lengths, None)
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    assert padded < 1.02 * sum(lengths)
    assert all(len(batch) * lengths[batch[0]] >= TOKENS_ENOUGH for batch in batches[:-1])
    few = batches_by_length([12, 11, 9, 8, 3], None)  # too few for a batch each
    assert few == [[0, 1, 2, 3, 4]]
