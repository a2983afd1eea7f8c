"""Eq. 4 against a brute force over whole maps."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.consistency.predominance import QueryAttention, predominance, shuffled_predominance
from harness.errors import ConfigError


def causal_map(tokens: int, rng: np.random.Generator) -> np.ndarray:
    odds = np.exp(2 * rng.normal(size=(2, 3, tokens, tokens))) * np.tril(np.ones((tokens, tokens)))
    return (odds / odds.sum(-1, keepdims=True)).mean(axis=(0, 1))  # mean over two layers and three heads


def query(tokens: list[int], a: np.ndarray) -> QueryAttention:
    return QueryAttention(tokens=tokens, columns=a.sum(axis=0), rows=a.sum(axis=1))


def brute_force(facts: list[tuple[list[int], np.ndarray]], first: int) -> float | None:
    """Count, for every token that exists, the queries in which no column from `first` on gets more than its own."""
    named = []
    for tokens, a in facts:
        sums = {c: sum(a[r][c] for r in range(len(tokens))) for c in range(first, len(tokens))}
        if sums:
            named.append(tokens[max(sums, key=lambda c: sums[c])])
    if len(named) < 2:
        return None
    return max(sum(token == other for other in named) / len(named) for token in named)


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=6), max_size=7), st.integers(0, 10_000))
def test_column_readings(queries: list[list[int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    facts = [(tokens, causal_map(len(tokens), rng)) for tokens in queries]
    for reading, first in (("column", 1), ("raw-column", 0)):
        found = predominance([query(*fact) for fact in facts], reading=reading)
        assert (found and found.value) == brute_force(facts, first)
        assert found is None or 1 / found.n_queries <= found.value <= 1


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=6), min_size=2, max_size=7), st.integers(0, 10_000))
def test_the_printed_reading_is_degenerate(queries: list[list[int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = predominance([query(tokens, causal_map(len(tokens), rng)) for tokens in queries], reading="row")
    assert found is not None
    assert found.n_degenerate == found.n_queries == len(queries)


def test_tokens_count_not_positions() -> None:
    peak = np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.1, 0.8, 0.1, 0], [0.1, 0.8, 0.05, 0.05]])  # column 1
    late = np.array([[1.0, 0, 0, 0], [0.9, 0.1, 0, 0], [0.1, 0, 0.9, 0], [0.0, 0.1, 0.8, 0.1]])  # column 2
    found = predominance([query([7, 3, 5, 6], peak), query([8, 4, 3, 2], late), query([3, 9, 1, 0], peak)])
    assert found is not None
    assert (found.value, found.token, found.n_queries, found.n_degenerate) == (2 / 3, 3, 3, 0)
    words = QueryAttention(tokens=["the", "capital", "of", "is"], columns=peak.sum(0), rows=peak.sum(1))
    assert predominance([words, words]).token == "capital"


def test_one_query_has_no_predominance() -> None:
    a = causal_map(4, np.random.default_rng(0))
    assert predominance([query([1, 2, 3, 4], a)]) is None
    assert predominance([query([1, 2, 3, 4], a), query([1], np.ones((1, 1)))]) is None
    assert predominance([]) is None


def test_a_query_with_one_candidate_had_nothing_to_choose_from() -> None:
    found = predominance([query([1, 2], causal_map(2, np.random.default_rng(i))) for i in range(3)])
    assert found is not None
    assert (found.value, found.n_degenerate) == (1.0, 3)


def test_errors() -> None:
    with pytest.raises(ConfigError, match="Did you mean column"):
        predominance([], reading="colum")
    with pytest.raises(ConfigError, match="3 tokens need as many sums"):
        QueryAttention(tokens=[1, 2, 3], columns=np.zeros(2), rows=np.zeros(2))


@pytest.mark.parametrize(("reading", "first"), [("column", 1), ("raw-column", 0), ("row", 0)])
def test_shuffled_positions_come_to_the_mean_over_all_choices_of_a_position(reading: str, first: int) -> None:
    rng = np.random.default_rng(0)
    sentences = [[7, 1, 2], [7, 3, 1, 1], [5, 2, 1], [4, 1]]
    choices = list(product(*(tokens[first:] for tokens in sentences)))
    exact = np.mean([max(named.count(token) for token in named) / 4 for named in choices])
    seen = [query(tokens, causal_map(len(tokens), rng)) for tokens in sentences]
    found = shuffled_predominance(seen, reading=reading, shuffles=20_000, rng=rng)
    assert found == pytest.approx(exact, abs=0.005)


def test_no_shuffled_predominance_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    one = [query([1, 2, 3], causal_map(3, rng)), query([1], causal_map(1, rng))]
    assert shuffled_predominance(one, shuffles=5, rng=rng) is None
    assert shuffled_predominance([*one, query([4, 2], causal_map(2, rng))], shuffles=5, rng=rng) is not None
