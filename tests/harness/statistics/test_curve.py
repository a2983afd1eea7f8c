import numpy as np
import pytest
import scipy.special

from harness.errors import ConfigError
from harness.statistics import share_at_or_below, share_curve

CUTS = np.arange(20) / 20


def sample(rng, relations):
    """CS2-like values whose relations differ, and the truth by a sample that is large enough."""
    cluster = np.repeat(np.arange(relations), 25)
    level = -1 + 0.5 * rng.standard_normal(relations)
    return scipy.special.expit(level[cluster] + rng.standard_normal(len(cluster))), cluster


def test_shares_are_counted_and_the_band_is_wider_than_an_interval():
    values, cluster = sample(np.random.default_rng(0), 24)
    curve = share_curve(values, cluster, CUTS, draws=999, rng=np.random.default_rng(1))
    for i in (4, 6, 10):
        alone = share_at_or_below(values, cluster, CUTS[i], draws=999, rng=np.random.default_rng(1))
        assert curve.shares[i] == pytest.approx(alone.estimate)
        assert curve.high[i] - curve.low[i] > alone.bootstrap.high - alone.bootstrap.low
    assert (np.diff(curve.shares) >= 0).all()
    assert ((curve.low <= curve.shares) & (curve.shares <= curve.high)).all()


@pytest.mark.slow
@pytest.mark.parametrize("relations", [12])
def test_the_band_holds_the_whole_truth_in_nine_of_ten_samples(relations):
    truth = (sample(np.random.default_rng(9), 40_000)[0][:, None] <= CUTS).mean(axis=0)
    rng = np.random.default_rng(2)
    samples = 120
    held = 0
    for _ in range(samples):
        curve = share_curve(*sample(rng, relations), CUTS, draws=199, rng=rng)
        held += bool(((curve.low <= truth) & (truth <= curve.high)).all())
    assert held / samples >= 0.9


def test_where_all_relations_agree_the_band_is_exact_and_bounded():
    curve = share_curve(np.full(40, 0.5), np.repeat(np.arange(8), 5), CUTS, draws=99, rng=np.random.default_rng(0))
    assert curve.shares.tolist() == [0.0] * 10 + [1.0] * 10
    assert curve.high[0] == pytest.approx(1 - (0.05 / 20 / 2) ** (1 / 8))
    assert curve.low[-1] == pytest.approx((0.05 / 20 / 2) ** (1 / 8))


def test_nothing_to_draw_is_refused():
    with pytest.raises(ConfigError, match="values and cuts"):
        share_curve(np.array([]), np.array([], dtype=int), CUTS, draws=9, rng=np.random.default_rng(0))
