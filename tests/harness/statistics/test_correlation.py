import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.statistics import cluster_correlation, spearman_brown
from harness.statistics.bootstrap import NO_SPREAD


def facts(rng, *, relations=12, a_relation=20, shared=1.0):
    """Two values a fact that share the part of the fact and of its relation; r = shared / (shared + 1) of both."""
    cluster = np.repeat(np.arange(relations), a_relation)
    common = math.sqrt(shared / 2) * (rng.normal(size=relations)[cluster] + rng.normal(size=len(cluster)))
    return *(common + rng.normal(size=len(cluster)) for _ in range(2)), cluster


def influence_error(x, y, cluster):
    """The standard error of r by linearisation, from the facts themselves."""
    z, w = scipy.stats.zscore(x), scipy.stats.zscore(y)
    r = scipy.stats.pearsonr(x, y).statistic
    of_fact = z * w - r / 2 * (z**2 + w**2)
    sums = np.array([of_fact[cluster == g].sum() for g in range(cluster.max() + 1)])
    return math.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / len(x)


def test_equals_plain_resampling_of_facts():
    x, y, cluster = facts(np.random.default_rng(0), relations=7, a_relation=5)
    ours = cluster_correlation(x + 5, y * 3, cluster, draws=199, rng=np.random.default_rng(1))
    assert ours.r == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
    theta, t_draws = math.atanh(ours.r), []
    assert ours.fisher.se == pytest.approx(influence_error(x, y, cluster) / (1 - ours.r**2))
    for times in np.random.default_rng(1).multinomial(7, [1 / 7] * 7, size=199):
        rows = [np.flatnonzero(cluster == g) for g, n in enumerate(times) for _ in range(n)]
        copy = np.concatenate([np.full(len(row), place) for place, row in enumerate(rows)])
        taken = np.concatenate(rows)
        r = scipy.stats.pearsonr(x[taken], y[taken]).statistic
        t_draws.append((math.atanh(r) - theta) / (influence_error(x[taken], y[taken], copy) / (1 - r**2)))
    np.testing.assert_allclose(ours.fisher.t_draws, sorted(t_draws), rtol=1e-6, atol=1e-12)
    interval = ours.interval(0.9)
    assert interval.low == pytest.approx(math.tanh(theta - sorted(t_draws)[-10] * ours.fisher.se))


def test_linearisation_agrees_with_the_jackknife_over_clusters():
    x, y, cluster = facts(np.random.default_rng(2), relations=40)
    ours = cluster_correlation(x, y, cluster, draws=1, rng=np.random.default_rng(0))
    left_out = [math.atanh(scipy.stats.pearsonr(x[cluster != g], y[cluster != g]).statistic) for g in range(40)]
    jackknife = math.sqrt(39 / 40 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    assert ours.fisher.se == pytest.approx(jackknife, rel=0.05)


def test_interval_covers_where_facts_of_a_relation_are_alike():
    rng, covered, naive = np.random.default_rng(3), 0, 0
    for _ in range(200):
        x, y, cluster = facts(rng)
        found = cluster_correlation(x, y, cluster, draws=399, rng=rng)
        interval = found.interval()
        covered += interval.low <= 0.5 <= interval.high
        plain = scipy.stats.pearsonr(x, y).confidence_interval()
        naive += plain.low <= 0.5 <= plain.high
    assert 180 <= covered <= 199
    assert naive < covered  # as if facts were independent


@given(st.floats(0.01, 100), st.floats(-100, 100))
def test_scale_and_place_do_not_matter(scale, shift):
    x, y, cluster = facts(np.random.default_rng(4), relations=5, a_relation=4)
    one, other = (
        cluster_correlation(values, y, cluster, draws=50, rng=np.random.default_rng(0)).interval()
        for values in (x, scale * x + shift)
    )
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_nothing_varies():
    x = np.arange(6.0)
    cluster = np.array([0, 0, 1, 1, 2, 2])
    rng = np.random.default_rng(0)
    assert cluster_correlation(x, np.ones(6), cluster, draws=10, rng=rng) is None
    assert cluster_correlation(x[:0], x[:0], cluster[:0], draws=10, rng=rng) is None


def test_a_perfect_correlation_has_no_spread_and_tells_no_interval():
    x = np.arange(6.0)
    found = cluster_correlation(x, 2 * x, np.array([0, 0, 1, 1, 2, 2]), draws=99, rng=np.random.default_rng(0))
    assert found.r == pytest.approx(1)
    assert (found.interval().low, found.interval().high, found.interval().method) == (-1, 1, NO_SPREAD)


def test_an_empty_cluster_is_refused():
    with pytest.raises(ConfigError, match="every cluster needs at least one fact"):
        cluster_correlation(np.arange(2.0), np.arange(2.0), np.array([0, 2]), draws=9, rng=np.random.default_rng(0))


def test_spearman_brown():
    assert spearman_brown(0.5) == pytest.approx(2 / 3)
    assert spearman_brown(0.0) == 0.0
    assert spearman_brown(-1.0) is None
