import numpy as np
import pytest
import scipy.stats

from harness.errors import ConfigError
from harness.statistics import mean_slope, page_p, share_at_or_below, slope_weights, weighted_shares

SIZES = np.array([1e8, 1e9, 7e9])


def test_weights_give_the_least_squares_slope():
    y = np.random.default_rng(0).random(3)
    assert slope_weights(SIZES) @ y == pytest.approx(scipy.stats.linregress(np.log10(SIZES), y).slope)


@pytest.mark.parametrize("sizes", [[1.0], [2.0, 2.0], [0.0, 1.0]])
def test_sizes_without_a_slope(sizes):
    with pytest.raises(ConfigError, match="two different sizes"):
        slope_weights(np.array(sizes))


def test_slope_of_means():
    values, cluster = np.random.default_rng(0).random((3, 60)), np.arange(60) % 6
    found = mean_slope(values, cluster, slope_weights(SIZES), draws=99, rng=np.random.default_rng(0))
    assert found.estimate == pytest.approx(scipy.stats.linregress(np.log10(SIZES), values.mean(axis=1)).slope)


def test_values_that_never_change_have_a_slope_of_zero_and_an_interval():
    values = np.repeat(np.random.default_rng(0).random((1, 60)), 3, axis=0)
    found = mean_slope(values, np.arange(60) % 12, slope_weights(SIZES), draws=99, rng=np.random.default_rng(0))
    interval = found.interval()
    assert found.estimate == pytest.approx(0)
    assert interval.low < 0 < interval.high


def test_one_group_of_weight_one_is_the_share_itself():
    values, cluster = np.random.default_rng(0).random(60), np.arange(60) % 6
    one = weighted_shares(values[None], cluster, np.array([0.4]), np.ones(1), draws=199, rng=np.random.default_rng(1))
    share = share_at_or_below(values, cluster, 0.4, draws=199, rng=np.random.default_rng(1))
    assert one.estimate == share.estimate
    assert one.interval() == share.bootstrap


def test_a_group_against_itself_differs_by_nothing_in_every_draw():
    values, cluster = np.random.default_rng(0).random(60), np.arange(60) % 6
    pair, cuts = np.stack([values, values]), np.full(2, 0.4)
    found = weighted_shares(pair, cluster, cuts, np.array([1.0, -1.0]), draws=99, rng=np.random.default_rng(0))
    assert (found.estimate, found.se, found.degenerate_draws) == (0.0, 0.0, 1.0)


def test_every_draw_takes_clusters_whole_with_all_groups():
    rng = np.random.default_rng(0)
    values, cluster = rng.random((2, 90)) ** np.array([[1.0], [3.0]]), np.arange(90) % 9
    cuts, weights = np.array([0.4, 0.2]), np.array([-1.0, 1.0])
    found = weighted_shares(values, cluster, cuts, weights, draws=30, rng=np.random.default_rng(7))
    times = np.random.default_rng(7).multinomial(9, np.full(9, 1 / 9), size=30)
    per_fact = weights @ (values <= cuts[:, None])
    sizes, totals = np.bincount(cluster), np.bincount(cluster, per_fact)
    theta = times @ totals / (times @ sizes)
    se = np.sqrt(9 / 8 * (times * (totals - theta[:, None] * sizes) ** 2).sum(axis=1)) / (times @ sizes)
    assert found.t_draws == pytest.approx(np.sort((theta - found.estimate) / se))


def test_page_is_scipys_and_small_where_shares_rise():
    rng = np.random.default_rng(0)
    rising = rng.random((24, 3)) + np.array([0.0, 0.3, 0.6])
    assert page_p(rising) == pytest.approx(scipy.stats.page_trend_test(rising, method="asymptotic").pvalue)
    assert page_p(rising) < 0.01 < 0.99 < page_p(rising[:, ::-1])
    assert page_p(rising[:, :2]) is None
