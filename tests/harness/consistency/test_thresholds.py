from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.filters import threshold_otsu

from harness.consistency import OtsuThreshold, StaticThreshold, parse_threshold
from harness.errors import ConfigError

OTSU = OtsuThreshold()


def brute_force(values):
    """First maximiser of the between-class variance over midpoints, in exact arithmetic."""
    distinct = sorted(set(values))
    best, cut = None, distinct[0]
    for low, high in pairwise(distinct):
        below = [v for v in values if v <= low]
        above = [v for v in values if v > low]
        difference = sum(above) / Fraction(len(above)) - sum(below) / Fraction(len(below))
        variance = len(below) * len(above) * difference**2
        if best is None or variance > best:
            best, cut = variance, (low + high) / 2
    return cut


@given(st.lists(st.fractions(0, 1, max_denominator=12), min_size=1, max_size=30))
def test_otsu_is_the_brute_force_maximum(values):
    cut = OTSU.cut(np.array([float(v) for v in values]))
    assert cut == pytest.approx(float(brute_force(values)), abs=1e-12)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=20).filter(
        lambda pairs: any(times for _, times in pairs)
    )
)
def test_weights_count_as_repetitions(pairs):
    values, weights = (np.array(part, dtype=np.float64) for part in zip(*pairs, strict=True))
    assert OTSU.cut(values, weights) == pytest.approx(OTSU.cut(np.repeat(values, weights.astype(int))), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("top", [12, 255, 60_000])
def test_otsu_gives_the_partition_of_scikit_image(seed, top):
    rng = np.random.default_rng(seed)
    values = np.round(top * np.concatenate([rng.beta(2, 9, 400), rng.beta(8, 3, 250)])).astype(np.int64)
    theirs = threshold_otsu(values)
    np.testing.assert_array_equal(values > OTSU.cut(values / top) * top, values > theirs)


def test_ties_go_to_the_first_maximiser():
    assert OTSU.cut(np.array([0.0, 0.5, 1.0])) == 0.25
    # Symmetric, so 0.375 and 0.625 are equally good; rounding favours the second by one unit in the last place.
    assert OTSU.cut(np.array([8, 11, 19, 21, 29, 32]) / 40) == 0.375


def test_equal_values_all_lie_at_or_below_the_cut():
    values = np.full(7, 0.3)
    assert OTSU.cut(values) == 0.3
    assert not (values > OTSU.cut(values)).any()


def test_many_weightings_at_once_equal_one_at_a_time():
    rng = np.random.default_rng(0)
    distinct = np.sort(rng.random(15))
    weights = rng.integers(0, 4, (40, 15)).astype(np.float64)
    weights[0] = 0
    weights[0, 3] = 5  # one value only
    splits = OTSU.splits(np.cumsum(weights, axis=1), np.cumsum(weights * distinct, axis=1))
    for split, weight in zip(splits, weights, strict=True):
        cut = OTSU.cut(distinct, weight)
        taken = weight > 0
        np.testing.assert_array_equal((np.arange(15) <= split)[taken], (distinct <= cut)[taken])


@pytest.mark.parametrize("values", [[], [0.1, np.nan], [np.inf]])
def test_otsu_needs_finite_values(values):
    with pytest.raises(ConfigError, match="at least one value"):
        OTSU.cut(np.array(values, dtype=np.float64))


def test_names_and_parsing_are_inverse():
    for name in ("otsu", "static:0.1", "static:0.25"):
        assert parse_threshold(name).name == name
    assert parse_threshold("static") == StaticThreshold(0.1)
    assert parse_threshold("static:0.3").cut(np.array([0.9])) == 0.3


@pytest.mark.parametrize("text", ["static:0", "static:1", "static:-0.1", "static:nan", "static:x", "static:"])
def test_a_static_cut_outside_the_open_unit_interval_says_what_is_allowed(text):
    with pytest.raises(ConfigError, match="strictly between 0 and 1"):
        parse_threshold(text)


@pytest.mark.parametrize(("text", "near"), [("ostu", "otsu"), ("statik:0.1", "static:0.1")])
def test_unknown_names_list_near_matches(text, near):
    with pytest.raises(ConfigError, match=f"Did you mean {near}"):
        parse_threshold(text)


def test_only_an_adaptive_threshold_splits():
    assert OTSU.adaptive
    assert not StaticThreshold().adaptive
    with pytest.raises(ConfigError):
        StaticThreshold().splits(np.ones((1, 2)), np.ones((1, 2)))
