from collections import Counter
from itertools import combinations
from math import comb

import numpy as np
import pytest

from harness.consistency import query_subsets
from harness.errors import ConfigError


def as_lists(plan):
    return plan.groups.queries.reshape(len(plan.groups), -1).tolist()


@pytest.mark.parametrize(("k", "size"), [(4, 4), (6, 4), (5, 2), (5, 1), (3, 3)])
def test_all_subsets_where_there_are_few(k, size):
    plan = query_subsets(np.zeros(k, dtype=np.int64), size, 16, rng=np.random.default_rng(0))
    assert sorted(map(tuple, as_lists(plan))) == list(combinations(range(k), size))


@pytest.mark.parametrize("k", [7, 12, 40])
def test_random_subsets_are_distinct_and_no_more_than_the_limit(k):
    plan = query_subsets(np.repeat([0, 1], k), 4, 16, rng=np.random.default_rng(0))
    assert plan.fact.tolist() == [0] * 16 + [1] * 16
    subsets = [tuple(subset) for subset in as_lists(plan)]
    assert len(set(subsets)) == 32
    assert all(list(subset) == sorted(set(subset)) for subset in subsets)
    assert all(max(subset) < k for subset in subsets[:16])
    assert all(k <= min(subset) for subset in subsets[16:])


def test_every_subset_is_equally_likely():
    plan = query_subsets(np.repeat(np.arange(4000), 5), 2, 3, rng=np.random.default_rng(1))
    seen = Counter(tuple(query % 5 for query in subset) for subset in as_lists(plan))
    expected = 4000 * 3 / comb(5, 2)
    assert len(seen) == comb(5, 2)
    assert max(abs(count - expected) for count in seen.values()) < 4 * expected**0.5


def test_facts_with_too_few_queries_have_none_and_order_is_by_fact():
    fact_of_query = np.array([3, 0, 3, 1, 3, 0, 3, 0, 0, 3])  # k: 4, 1, 0, 5
    plan = query_subsets(fact_of_query, 4, 16, rng=np.random.default_rng(0))
    assert plan.fact.tolist() == [0, 3, 3, 3, 3, 3]
    for fact, subset in zip(plan.fact, as_lists(plan), strict=True):
        assert (fact_of_query[subset] == fact).all()


def test_same_seed_same_subsets():
    fact_of_query = np.repeat(np.arange(5), 9)
    first, second, other = (query_subsets(fact_of_query, rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert as_lists(first) == as_lists(second) != as_lists(other)


def test_no_facts():
    assert len(query_subsets(np.array([], dtype=np.int64), rng=np.random.default_rng(0)).groups) == 0


def test_limits_below_one_are_refused():
    with pytest.raises(ConfigError):
        query_subsets(np.array([0]), 0, rng=np.random.default_rng(0))
    with pytest.raises(ConfigError):
        query_subsets(np.array([0]), 4, 0, rng=np.random.default_rng(0))
