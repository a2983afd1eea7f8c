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
    # At the critical bandwidth the modes are about to merge: nearer to each other than the truth.
    assert 1.0 < kinds.modes[0] < kinds.valley < kinds.modes[-1] < 3.0
    assert 1.5 < kinds.valley < 2.5


@pytest.mark.parametrize("low", [0.1, 0.3, 0.7, 0.9])
def test_the_valley_lies_in_the_gap_whichever_kind_is_rare(low):
    """A narrow heap up to 0.1 and a wide one from 0.3 on: nobody lies between them."""
    rng = np.random.default_rng(0)
    is_low = np.arange(480) < low * 480
    values = np.where(is_low, 0.1 * rng.random(480), 0.3 + 0.6 * rng.beta(4, 4, 480))
    assert 0.1 <= kinds_test(values, rng.permutation(CLUSTER), rng=rng).valley <= 0.3 + 0.06


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


def rejections_alone(make, seeds=20):
    """Of values that are independent: every fact is a cluster of its own."""
    several = 0
    for rng in map(np.random.default_rng, range(seeds)):
        values, resolution = make(rng)
        test = kinds_test(values, np.arange(len(values)), rng=rng, resolution=resolution, draws=60)
        several += int(test.p_value < 0.05)
    return several


def fractions(rng, rates, low, high):
    """CS2-like values: shares of unions of low..high neurons, and their lattice spacing."""
    unions = rng.integers(low, high + 1, len(rates))
    return rng.binomial(unions, rates) / unions, float(np.median(1 / unions))


@pytest.mark.parametrize("n", [300, 2000])
def test_one_skewed_mode_is_not_taken_for_two(n):
    assert rejections_alone(lambda rng: (rng.beta(1.3, 8, n), 0.0)) <= 4


@pytest.mark.parametrize("union", [(3, 12), (8, 40)])
@pytest.mark.parametrize("n", [300, 2000])
def test_lattice_and_spike_at_zero_are_not_taken_for_modes(n, union):
    assert rejections_alone(lambda rng: fractions(rng, rng.beta(1.3, 8, n), *union)) <= 4


@pytest.mark.slow
@pytest.mark.parametrize(("looked_at", "expected"), [(0.0, 3), (1.0, 0)])
def test_without_the_resolution_the_lattice_of_many_values_would_be_modes(looked_at, expected):
    def make(rng):
        values, resolution = fractions(rng, rng.beta(1.3, 8, 20_000), 3, 12)
        return values, looked_at * resolution

    assert rejections_alone(make, seeds=3) == expected


@pytest.mark.parametrize("n", [300, 2000])
def test_two_classes_are_seen(n):
    def make(rng):
        rates = np.where(rng.random(n) < 0.5, rng.beta(2, 20, n), rng.beta(12, 8, n))
        return fractions(rng, rates, 8, 40)

    assert rejections_alone(make) >= 18


def test_critical_bandwidth_of_two_points_is_half_their_distance():
    # Two equal Gaussians have one mode from a distance of two standard deviations on.
    kinds = kinds_test(np.array([1.0, 3.0]), np.arange(2), rng=np.random.default_rng(0), draws=20)
    assert kinds.bandwidth == pytest.approx(1.0, rel=0.02)


def test_same_seed_same_p():
    values = np.random.default_rng(3).beta(1.3, 8, 200)
    first, second = (kinds_test(values, np.arange(200), rng=np.random.default_rng(1), draws=50) for _ in range(2))
    assert (first.p_value, first.modes) == (second.p_value, second.modes)


def test_no_value():
    assert kinds_test(np.empty(0), np.empty(0, dtype=int), rng=np.random.default_rng(0)).p_value == 1.0
