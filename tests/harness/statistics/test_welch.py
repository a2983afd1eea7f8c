import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.weightstats import ttest_ind as statsmodels_ttest

from harness.statistics import welch_test


@pytest.mark.parametrize("sizes", [(2, 2), (5, 40), (200, 30)])
def test_equals_scipy_and_statsmodels(sizes):
    rng = np.random.default_rng(sizes)
    first, second = rng.beta(5, 2, sizes[0]), rng.beta(2, 6, sizes[1])
    ours = welch_test(first, second)
    theirs = scipy.stats.ttest_ind(first, second, equal_var=False)
    assert (ours.t, ours.p) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))
    t, p, _ = statsmodels_ttest(first, second, usevar="unequal")
    assert (ours.t, ours.p) == (pytest.approx(t), pytest.approx(p))
    assert type(ours.t) is type(ours.p) is float


def test_sign_and_underflow():
    rng = np.random.default_rng(0)
    result = welch_test(1 + 1e-3 * rng.random(5000), 1e-3 * rng.random(5000))
    assert result.t > 0
    assert result.p == 0.0


def test_a_constant_group_is_ordinary():
    assert welch_test(np.full(3, 0.3), np.array([0.1, 0.2])).t > 0


@pytest.mark.parametrize(("first", "second"), [([0.1], [0.2, 0.3]), ([0.1, 0.2], []), ([0.1, 0.1], [0.3, 0.3])])
def test_what_cannot_be_tested_is_none(first, second):
    assert welch_test(np.array(first, dtype=float), np.array(second, dtype=float)) is None
