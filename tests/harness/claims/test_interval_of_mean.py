"""Intervals of means: the bootstrap's where it works, Student's where nearly all relations are one number."""

import numpy as np
import pytest
import scipy.stats

from harness.claims.interval_of_mean import STUDENT, interval_of, p_above
from harness.statistics import StudentizedBootstrap, cluster_bootstrap


def bootstrap_of(means: np.ndarray) -> StudentizedBootstrap:
    """Of relations with ten facts each."""
    sizes = np.full(len(means), 10.0)
    return cluster_bootstrap(means * sizes, sizes, draws=2_000, rng=np.random.default_rng(0))


@pytest.mark.parametrize("relations", [8, 14, 35])
@pytest.mark.parametrize("skew", [False, True])
def test_where_relations_differ_it_is_the_bootstrap(relations: int, skew: bool) -> None:
    rng = np.random.default_rng(relations)
    for _ in range(20):
        means = rng.exponential(size=relations) ** 2 if skew else rng.normal(size=relations)
        bootstrap = bootstrap_of(means)
        assert interval_of(bootstrap) == bootstrap.interval()
        assert p_above(bootstrap, 0.1) == bootstrap.p_above(0.1)


@pytest.mark.parametrize("others", [0.0, 1e-6])
def test_where_one_relation_has_all_the_spread_it_is_students(others: float) -> None:
    means = 1 + others * np.random.default_rng(0).normal(size=14)
    means[3] = 0.9
    bootstrap = bootstrap_of(means)
    found = interval_of(bootstrap)
    expected = scipy.stats.ttest_1samp(means, 0.05)
    interval = expected.confidence_interval()
    assert found.method == STUDENT
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6)
    t = (means.mean() - 0.05) / (means.std(ddof=1) / np.sqrt(14))
    assert p_above(bootstrap, 0.05) == pytest.approx(scipy.stats.t.sf(t, 13), rel=1e-4)


def test_where_all_are_one_number_so_is_the_interval() -> None:
    bootstrap = bootstrap_of(np.full(14, 0.5))
    assert (interval_of(bootstrap).low, interval_of(bootstrap).high) == (0.5, 0.5)
    assert p_above(bootstrap, 0.05) is None


def test_one_relation_says_nothing() -> None:
    bootstrap = bootstrap_of(np.array([0.5]))
    assert (interval_of(bootstrap).low, interval_of(bootstrap).high) == (-np.inf, np.inf)
    assert p_above(bootstrap, 0.05) is None
