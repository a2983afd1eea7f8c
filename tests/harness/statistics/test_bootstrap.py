import math

import numpy as np
import pytest
import scipy.stats

from harness.errors import ConfigError
from harness.statistics import cluster_bootstrap, minimum_detectable
from harness.statistics.bootstrap import BOOTSTRAP_T, CLOPPER_PEARSON, NO_SPREAD, UNIT


def clusters(rng, sizes=(4, 9, 2, 7, 5, 11, 3, 6, 8)):
    return [rng.random(size) for size in sizes]


def totals_and_sizes(facts):
    return np.array([f.sum() for f in facts]), np.array([len(f) for f in facts], dtype=np.float64)


def plain_ratio(facts):
    """theta and se by linearisation, from the facts themselves, in loops."""
    everything = [value for cluster in facts for value in cluster]
    theta = sum(everything) / len(everything)
    squares = sum(sum(value - theta for value in cluster) ** 2 for cluster in facts)
    return theta, math.sqrt(len(facts) / (len(facts) - 1) * squares) / len(everything)


def test_equals_a_plain_loop_over_resampled_facts():
    facts = clusters(np.random.default_rng(0))
    ours = cluster_bootstrap(*totals_and_sizes(facts), draws=399, rng=np.random.default_rng(1))
    theta, se = plain_ratio(facts)
    assert ours.estimate == pytest.approx(theta)
    assert ours.se == pytest.approx(se)
    t_draws = []
    for times in np.random.default_rng(1).multinomial(9, [1 / 9] * 9, size=399):
        drawn = [cluster for cluster, n in zip(facts, times, strict=True) for _ in range(n)]
        theta_star, se_star = plain_ratio(drawn)
        t_draws.append((theta_star - theta) / se_star)
    t_draws.sort()
    np.testing.assert_allclose(ours.t_draws, t_draws, rtol=1e-7, atol=1e-9)
    interval = ours.interval(0.9)
    assert interval.low == pytest.approx(theta - t_draws[-20] * se)
    assert interval.high == pytest.approx(theta - t_draws[19] * se)
    assert interval.method == BOOTSTRAP_T


def test_p_is_below_the_level_where_the_interval_excludes_the_null():
    ours = cluster_bootstrap(
        *totals_and_sizes(clusters(np.random.default_rng(2))), draws=999, rng=np.random.default_rng(3)
    )
    interval = ours.interval(0.95)
    assert ours.p_above(interval.low - 1e-6) <= 0.025 < ours.p_above(interval.low + 1e-6) + 0.002
    assert ours.p_above(interval.high) > 0.9


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0.0, 1 - 0.025 ** (1 / 8)), (1.0, 0.025 ** (1 / 8), 1.0)])
def test_a_share_at_the_edge_is_clopper_pearson_with_clusters_as_trials(share, low, high):
    sizes = np.full(8, 50.0)
    ours = cluster_bootstrap(share * sizes, sizes, draws=200, rng=np.random.default_rng(0), bounds=UNIT)
    interval = ours.interval()
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))
    assert interval.method == CLOPPER_PEARSON
    assert ours.se == 0
    assert ours.degenerate_draws == 1.0


def test_clopper_pearson_equals_scipy_and_its_p_the_binomial_tail():
    sizes = np.full(10, 3.0)
    flat = cluster_bootstrap(sizes * 0.3, sizes, draws=200, rng=np.random.default_rng(0), bounds=UNIT)
    theirs = scipy.stats.binomtest(3, 10).proportion_ci(0.95, method="exact")
    assert (flat.interval().low, flat.interval().high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))
    assert flat.p_above(0.1) == pytest.approx(scipy.stats.binomtest(3, 10, 0.1, alternative="greater").pvalue)


def test_one_deviating_cluster_does_not_blow_the_interval_up_to_the_whole_range():
    # A third of the draws miss the one cluster below 1: their se* is 0 and t* infinite.
    sizes = np.full(36, 100.0)
    totals = np.append(np.full(35, 100.0), 99.0)
    ours = cluster_bootstrap(totals, sizes, draws=999, rng=np.random.default_rng(0), bounds=UNIT)
    assert 0.3 < ours.degenerate_draws < 0.45
    assert np.isinf(ours.t_draws[-1])
    assert ours.interval().method == CLOPPER_PEARSON
    assert 0.85 < ours.interval().low < ours.estimate <= ours.interval().high
    assert ours.p_above(0.25) < 1e-6


def test_unequal_clusters_count_as_fewer_trials():
    sizes = np.array([910.0] + [10.0] * 9)
    ours = cluster_bootstrap(sizes, sizes, draws=200, rng=np.random.default_rng(0), bounds=UNIT)
    assert ours.effective_clusters == pytest.approx(1000**2 / (910**2 + 9 * 100))
    assert ours.interval().low < 0.1


def test_no_spread_in_an_unbounded_parameter_claims_nothing():
    ours = cluster_bootstrap(np.full(6, 8.0), np.full(6, 4.0), draws=200, rng=np.random.default_rng(0))
    assert (ours.interval().low, ours.interval().high) == (-math.inf, math.inf)
    assert ours.interval().method == NO_SPREAD
    assert ours.p_above(0.0) is None


def test_a_draw_without_spread_is_infinite_by_sign_and_zero_if_equal():
    ours = cluster_bootstrap(np.array([0.0, 2.0]), np.array([2.0, 2.0]), draws=400, rng=np.random.default_rng(0))
    assert set(np.unique(ours.t_draws)) == {-np.inf, 0.0, np.inf}
    assert ours.degenerate_draws == pytest.approx(0.5, abs=0.1)


def test_chunks_and_seed():
    totals, sizes = totals_and_sizes(clusters(np.random.default_rng(5)))
    first, second, other = (
        cluster_bootstrap(totals, sizes, draws=2500, rng=np.random.default_rng(seed)).t_draws for seed in (7, 7, 8)
    )
    assert len(first) == 2500
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_nothing_to_draw_from_is_refused():
    with pytest.raises(ConfigError):
        cluster_bootstrap(np.array([]), np.array([]), draws=10, rng=np.random.default_rng(0))
    with pytest.raises(ConfigError, match="at least one fact"):
        cluster_bootstrap(np.array([1.0, 0.0]), np.array([2.0, 0.0]), draws=10, rng=np.random.default_rng(0))


def test_minimum_detectable_has_its_power():
    # An estimate that far above the margin clears it with a t interval in 80 of 100 samples, to the approximation.
    rng = np.random.default_rng(0)
    clusters, sd = 12, 0.1
    shift = minimum_detectable(sd / math.sqrt(clusters), clusters)
    samples = shift + sd * rng.standard_normal((4000, clusters))
    se = samples.std(axis=1, ddof=1) / math.sqrt(clusters)
    cleared = samples.mean(axis=1) - scipy.stats.t.ppf(0.975, clusters - 1) * se > 0
    assert cleared.mean() == pytest.approx(0.8, abs=0.03)
    assert minimum_detectable(0.1, 1) is None
