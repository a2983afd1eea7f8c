import numpy as np
import pytest

from harness.statistics import kinds_test
from harness.statistics.kinds import intraclass_correlation

CLUSTER = np.repeat(np.arange(12), 40)


def rejections(make, seeds=25):
    return sum(
        kinds_test(make(rng), CLUSTER, rng=rng, draws=60).p_value < 0.05
        for rng in map(np.random.default_rng, range(seeds))
    )


@pytest.mark.parametrize("within", [0.01, 0.05, 0.2])
def test_relations_with_levels_of_their_own_are_not_kinds(within):
    assert rejections(lambda rng: rng.random(12)[CLUSTER] + within * rng.standard_normal(480)) <= 4


def test_facts_of_one_kind():
    assert rejections(lambda rng: rng.standard_normal(480)) <= 4


def test_two_kinds_are_seen_through_relations_that_differ():
    def make(rng):
        return np.where(rng.random(480) < 0.5, 0.0, 1.0) + 0.2 * (
            rng.standard_normal(12)[CLUSTER] + rng.standard_normal(480)
        )

    assert rejections(make) >= 22


def test_modes_and_the_valley_between_them_are_located():
    rng = np.random.default_rng(0)
    kinds = kinds_test(np.where(rng.random(480) < 0.5, 1.0, 3.0) + 0.3 * rng.standard_normal(480), CLUSTER, rng=rng)
    # At the critical bandwidth the modes are about to merge: nearer to each other than the truth, and so the valley.
    assert 1.0 < kinds.modes[0] < kinds.valley < kinds.modes[-1] < 3.0
    assert 1.5 < kinds.valley < 2.5


def test_one_value_is_one_kind():
    kinds = kinds_test(np.full(480, 0.25), CLUSTER, rng=np.random.default_rng(0))
    assert (kinds.p_value, kinds.modes, kinds.valley, kinds.shared) == (1.0, (0.25,), None, 0.0)


def test_a_resolution_above_the_distance_hides_it():
    values = np.repeat([0.0, 1.0], 240)
    assert kinds_test(values, CLUSTER, rng=np.random.default_rng(0), resolution=0.6).valley is None
    assert kinds_test(values, CLUSTER % 2, rng=np.random.default_rng(0), resolution=0.1).valley == pytest.approx(
        0.5, abs=0.05
    )


def test_intraclass_correlation_is_the_share_of_variance_between():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(400), 10)
    values = 0.6 * rng.standard_normal(400)[cluster] + 0.8 * rng.standard_normal(4000)
    assert intraclass_correlation(values, cluster) == pytest.approx(0.36, abs=0.04)
    assert intraclass_correlation(rng.random(10), np.zeros(10, dtype=int)) == 0.0
    assert intraclass_correlation(np.array([1.0, 1.0, 2.0, 2.0]), np.array([0, 0, 1, 1])) == 1.0
