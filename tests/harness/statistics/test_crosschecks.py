"""Our statistics against other people's: the same numbers from implementations that were written apart."""

import numpy as np
import pingouin
import pytest
import statsmodels.api as sm
from skimage.filters import threshold_otsu
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttost_ind

from harness.consistency import OtsuThreshold
from harness.statistics import (
    binomial_trials,
    cluster_bootstrap,
    cluster_contrast,
    mean_slope,
    slope_weights,
    t_interval,
    welch_test,
)

CLUSTER = np.repeat(np.arange(15), np.arange(5, 20))


def clustered(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(15)[CLUSTER] + rng.standard_normal(len(CLUSTER))


def robust(values, *columns):
    """Least squares with statsmodels' cluster-robust errors."""
    design = np.column_stack([np.ones(len(values)), *columns])
    return sm.OLS(values, design).fit(cov_type="cluster", cov_kwds={"groups": CLUSTER})


def test_error_of_a_mean_is_the_cluster_robust_one():
    values = clustered(0)
    totals, sizes = np.bincount(CLUSTER, values), np.bincount(CLUSTER).astype(float)
    ours = cluster_bootstrap(totals, sizes, draws=9, rng=np.random.default_rng(0))
    assert (ours.estimate, ours.se) == pytest.approx((robust(values).params[0], robust(values).bse[0]))


def test_error_of_a_contrast_is_the_cluster_robust_one():
    values, first = clustered(1), np.random.default_rng(1).random(len(CLUSTER)) < 0.4
    chosen = (first, ~first)
    totals = np.array([np.bincount(CLUSTER, values * c) for c in chosen])
    sizes = np.array([np.bincount(CLUSTER, c) for c in chosen])
    ours = cluster_contrast(totals, sizes, draws=9, rng=np.random.default_rng(0)).studentized
    fit, n = robust(values, first), len(values)
    # statsmodels also corrects for the second parameter.
    assert ours.estimate == pytest.approx(fit.params[1])
    assert ours.se == pytest.approx(fit.bse[1] / np.sqrt((n - 1) / (n - 2)))


def test_error_of_a_slope_over_models_is_that_of_the_facts_own_slopes():
    rng, weights = np.random.default_rng(2), slope_weights(np.array([1e8, 1e9, 7e9]))
    values = rng.random((3, len(CLUSTER))) * 0.5 + 0.1 * (CLUSTER % 5)
    ours = mean_slope(values, CLUSTER, weights, draws=9, rng=rng)
    fit = robust(weights @ values)
    assert (ours.estimate, ours.se) == pytest.approx((fit.params[0], fit.bse[0]))


@pytest.mark.parametrize(("hits", "n"), [(0, 12), (7, 12), (12, 12), (20, 36)])
def test_exact_interval_of_a_share(hits, n):
    interval = binomial_trials(hits, n).interval
    assert (interval.low, interval.high) == pytest.approx(proportion_confint(hits, n, method="beta"))


def test_welch_is_pingouins():
    rng = np.random.default_rng(3)
    first, second = rng.random(80), 0.2 + rng.random(50) * 0.3
    ours, theirs = welch_test(first, second), pingouin.ttest(first, second, correction=True)
    column = "p_val" if "p_val" in theirs else "p-val"
    assert (ours.t, ours.p) == pytest.approx((theirs["T"].iloc[0], theirs[column].iloc[0]))


def test_students_interval_is_pingouins():
    means = np.random.default_rng(4).random(17)
    ours, theirs = t_interval(means), pingouin.ttest(means, 0.0)
    column = next(name for name in theirs if name.startswith("CI95"))
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs[column].iloc[0]), abs=0.006)  # it rounds to two places


def test_two_one_sided_tests_of_pingouin_and_statsmodels_are_one():
    """What the replication's test is held against is itself no odd one out."""
    rng = np.random.default_rng(5)
    first, second = rng.random(60), rng.random(70)
    p, *_ = ttost_ind(first, second, -0.1, 0.1, usevar="unequal")
    assert pingouin.tost(first, second, bound=0.1, correction=True)["pval"].iloc[0] == pytest.approx(p)


def test_otsu_parts_values_as_skimage_does():
    rng = np.random.default_rng(6)
    values = np.concatenate([rng.normal(0.2, 0.05, 3000), rng.normal(0.7, 0.08, 2000)])
    ours, theirs = OtsuThreshold().cut(values), threshold_otsu(values, nbins=4096)
    assert abs((values <= ours).mean() - (values <= theirs).mean()) < 1e-3
