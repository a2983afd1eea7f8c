from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics import exchange_within, p_at_least


@given(st.lists(st.integers(0, 4), max_size=30), st.integers(0, 1000))
def test_exchange_is_a_permutation_within_strata(strata, seed):
    strata = np.array(strata, dtype=np.int64)
    exchanged = exchange_within(strata, rng=np.random.default_rng(seed))
    assert sorted(exchanged.tolist()) == list(range(len(strata)))
    np.testing.assert_array_equal(strata[exchanged], strata)


def test_every_exchange_is_equally_likely():
    rng = np.random.default_rng(0)
    seen = Counter(tuple(exchange_within(np.array([7, 1, 7, 1, 7]), rng=rng).tolist()) for _ in range(6000))
    assert len(seen) == 12
    assert max(abs(count - 500) for count in seen.values()) < 100


def test_p_counts_ties_and_is_never_zero():
    assert p_at_least(2.0, np.array([1.0, 2.0, 3.0, 0.0])) == 3 / 5
    assert p_at_least(9.0, np.zeros(99)) == 1 / 100
