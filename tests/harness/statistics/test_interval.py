import numpy as np
import pytest
import scipy.stats

from harness.statistics import t_interval


def test_t_interval_equals_scipy_and_is_clipped():
    means = np.array([0.2, 0.3, 0.25, 0.6])
    theirs = scipy.stats.ttest_1samp(means, 0).confidence_interval(0.95)
    ours = t_interval(means)
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))
    assert t_interval(np.array([0.0, 1.0]), bounds=(0.0, 1.0)).high == 1.0
    assert t_interval(np.array([0.5])) is None
