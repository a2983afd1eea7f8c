import pytest
import scipy.stats

from harness.errors import ConfigError
from harness.statistics import binomial_trials


@pytest.mark.parametrize(("hits", "n"), [(0, 9), (3, 10), (9, 9), (20, 36)])
def test_equals_scipy(hits, n):
    ours, theirs = binomial_trials(hits, n), scipy.stats.binomtest(hits, n, 0.4, alternative="greater")
    interval = scipy.stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert (ours.interval.low, ours.interval.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert ours.p_above(0.4) == pytest.approx(theirs.pvalue)
    assert ours.share == hits / n


def test_how_many_hits_would_have_been_enough():
    needed = binomial_trials(6, 12).fewest_hits_above(0.5)
    assert binomial_trials(needed, 12).interval.low > 0.5 >= binomial_trials(needed - 1, 12).interval.low
    assert binomial_trials(2, 3).fewest_hits_above(0.5) is None


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (4, 3), (-1, 3)])
def test_no_share(hits, n):
    with pytest.raises(ConfigError, match="no share"):
        binomial_trials(hits, n)
