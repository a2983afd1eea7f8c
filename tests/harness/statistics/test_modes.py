import numpy as np
import pytest

from harness.statistics import one_mode_test
from harness.statistics.modes import ModesTest


def rejections(make, seeds=20, **settings):
    tests = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        values, resolution = make(rng)
        tests.append(one_mode_test(values, rng=rng, resolution=resolution, draws=60, **settings).p_value < 0.05)
    return sum(tests)


def fractions(rng, rates, low, high):
    """CS2-like values: shares of unions of low..high neurons, and their lattice spacing."""
    unions = rng.integers(low, high + 1, len(rates))
    return rng.binomial(unions, rates) / unions, float(np.median(1 / unions))


@pytest.mark.parametrize("n", [300, 2000])
def test_one_skewed_mode_is_not_taken_for_two(n):
    assert rejections(lambda rng: (rng.beta(1.3, 8, n), 0.0)) <= 4


@pytest.mark.parametrize("union", [(3, 12), (8, 40)])
@pytest.mark.parametrize("n", [300, 2000])
def test_lattice_and_spike_at_zero_are_not_taken_for_modes(n, union):
    assert rejections(lambda rng: fractions(rng, rng.beta(1.3, 8, n), *union)) <= 4


@pytest.mark.parametrize(("looked_at", "expected"), [(0.0, 5), (1.0, 0)])
def test_without_the_resolution_the_lattice_of_many_values_would_be_modes(looked_at, expected):
    def make(rng):
        values, resolution = fractions(rng, rng.beta(1.3, 8, 20_000), 3, 12)
        return values, looked_at * resolution

    assert rejections(make, seeds=5) == expected


@pytest.mark.parametrize("n", [300, 2000])
def test_two_classes_are_seen(n):
    def make(rng):
        rates = np.where(rng.random(n) < 0.5, rng.beta(2, 20, n), rng.beta(12, 8, n))
        return fractions(rng, rates, 8, 40)

    assert rejections(make) >= 18


def test_relations_with_means_of_their_own_are_not_modes():
    cluster = np.repeat(np.arange(12), 150)

    def make(rng):
        centre = 0.3 + 0.1 * rng.standard_normal(12)
        return centre[cluster] + 0.02 * rng.standard_normal(1800), 0.0

    assert rejections(make) >= 15  # as if facts were independent: wrong
    assert rejections(make, clusters=cluster) <= 4


def test_constant_and_empty_values_have_one_mode():
    rng = np.random.default_rng(0)
    assert one_mode_test(np.full(50, 0.2), rng=rng) == ModesTest(1.0, 0.0)
    assert one_mode_test(np.array([]), rng=rng).p_value == 1.0


def test_critical_bandwidth_of_two_points_is_half_their_distance():
    # Two equal Gaussians have one mode from a distance of two standard deviations on.
    test = one_mode_test(np.array([1.0, 3.0]), rng=np.random.default_rng(0), draws=20)
    assert test.bandwidth == pytest.approx(1.0, rel=0.02)


def test_same_seed_same_p():
    values = np.random.default_rng(3).beta(1.3, 8, 200)
    first, second = (one_mode_test(values, rng=np.random.default_rng(1), draws=50) for _ in range(2))
    assert first == second
