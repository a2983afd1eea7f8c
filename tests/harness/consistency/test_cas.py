"""Eq. 7 against a recomputation neuron by neuron in exact fractions, and what follows from it by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.consistency.cas import (
    BETA_GRID,
    STORED_CAS_FRACTION,
    AttributionMoments,
    Betas,
    CasScores,
    consistency_aware_scores,
)
from harness.errors import ConfigError

MAPS = st.integers(1, 9).flatmap(
    lambda k: arrays(np.float64, (k, 2, 5), elements=st.integers(-40, 40).map(lambda i: i / 8))
)


def by_hand(maps: np.ndarray, betas: Betas) -> list[float]:
    found: list[float] = []
    for column in maps.reshape(len(maps), -1).T:
        values = [Fraction(float(v)) for v in column]
        mean = sum(values, Fraction()) / len(values)
        variance = sum(((v - mean) ** 2 for v in values), Fraction()) / len(values)
        found.append(betas.mean * float(mean) - betas.deviation * math.sqrt(variance))
    return found


@given(MAPS)
def test_every_kept_score_is_equation_7(maps: np.ndarray) -> None:
    for cas in consistency_aware_scores(maps, least=10):
        expected = by_hand(maps, cas.betas)
        assert sorted(cas.neurons.tolist()) == list(range(10))
        assert cas.max_score == pytest.approx(max(expected), abs=1e-9)
        np.testing.assert_allclose(cas.scores, [expected[i] for i in cas.neurons], atol=1e-9)
        assert (np.diff(cas.scores) <= 0).all()


KEPT = STORED_CAS_FRACTION * (1 + 1e-9)
"""What lies at the edge of what is kept falls on either side of it, as sums round."""


@given(MAPS)
def test_selection_and_order_of_queries(maps: np.ndarray) -> None:
    for cas, turned in zip(consistency_aware_scores(maps), consistency_aware_scores(maps[::-1]), strict=True):
        expected = by_hand(maps, cas.betas)
        clear = [i for i, s in enumerate(expected) if s > 0.3 * max(expected) + 1e-9 and max(expected) > 1e-9]
        edge = [i for i, s in enumerate(expected) if abs(s - 0.3 * max(expected)) <= 1e-9]
        assert set(clear) - set(edge) <= set(cas.select().tolist()) <= set(clear) | set(edge)
        one, other = (np.sort(scores[scores > KEPT * scores.max(initial=0)]) for scores in (cas.scores, turned.scores))
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_without_a_penalty_it_ranks_like_the_mean() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 3, 20))
    (cas,) = consistency_aware_scores(maps, [Betas(mean=1.0, deviation=0.0)], least=60)
    np.testing.assert_array_equal(cas.neurons, np.argsort(-maps.mean(0).ravel()))


def test_one_query_has_no_deviation() -> None:
    maps = np.random.default_rng(0).normal(size=(1, 3, 20))
    for cas in consistency_aware_scores(maps, least=60):
        np.testing.assert_allclose(cas.scores, cas.betas.mean * maps[0].ravel()[cas.neurons])


@pytest.mark.parametrize(("k", "counts"), [(2, True), (6, True), (7, False), (20, False)])
def test_what_scores_in_one_query_alone_is_out_from_seven_queries_on(k: int, counts: bool) -> None:
    maps = np.zeros((k, 1, 3))
    maps[:, 0, 0] = 0.01  # a little in every query
    maps[2 % k, 0, 1] = 10.0  # a lot in one
    (cas,) = consistency_aware_scores(maps, [Betas()], least=3)
    score = dict(zip(cas.neurons.tolist(), cas.scores.tolist(), strict=True))[1]
    assert score == pytest.approx(10 / k * (0.7 - 0.3 * math.sqrt(k - 1)))
    assert (1 in cas.select()) is counts


def test_a_matched_set_has_its_size_even_below_zero() -> None:
    maps = -np.ones((3, 2, 4)) + np.arange(8).reshape(2, 4) / 100
    (cas,) = consistency_aware_scores(maps, [Betas()], least=5)
    assert cas.max_score < 0
    assert cas.select().tolist() == []
    assert cas.top(3).tolist() == [5, 6, 7]
    with pytest.raises(ConfigError, match="6 neurons were asked for, 5 are kept"):
        cas.top(6)


def test_ties_go_to_the_lower_id() -> None:
    (cas,) = consistency_aware_scores(np.ones((2, 2, 4)), [Betas()], least=8)
    assert cas.top(3).tolist() == [0, 1, 2]
    assert cas.select().tolist() == list(range(8))


def test_only_the_ratio_of_the_betas_matters() -> None:
    maps = np.random.default_rng(1).gamma(0.3, size=(6, 4, 50))
    one, three = consistency_aware_scores(maps, [Betas(mean=0.7, deviation=0.3), Betas(mean=2.1, deviation=0.9)])
    np.testing.assert_array_equal(one.select(), three.select())


def test_normalised_maps_weigh_alike() -> None:
    maps = np.random.default_rng(1).gamma(0.3, size=(6, 4, 50))
    louder = maps * np.array([1, 50, 0.1, 3, 7, 1])[:, None, None]
    for one, other in zip(
        consistency_aware_scores(maps, normalised=True), consistency_aware_scores(louder, normalised=True), strict=True
    ):
        np.testing.assert_allclose(one.scores, other.scores)
    silent = np.concatenate([maps, np.zeros((1, 4, 50))])
    assert np.isfinite(consistency_aware_scores(silent, normalised=True)[0].scores).all()


def test_moments_do_not_cancel() -> None:
    moments = AttributionMoments()
    maps = 1e6 + np.random.default_rng(0).normal(size=(9, 2, 3))
    for scores in maps.astype(np.float32):
        moments.add(scores)
    np.testing.assert_allclose(moments.deviation, maps.astype(np.float32).astype(np.float64).std(0), rtol=1e-9)


def test_the_grid_has_the_papers_betas() -> None:
    assert Betas(mean=0.7, deviation=0.3) in BETA_GRID
    assert len(set(BETA_GRID)) == len(BETA_GRID)


@pytest.mark.parametrize(("mean", "deviation"), [(0, 0.3), (-1, 0), (0.7, -0.1), (math.nan, 0.3)])
def test_betas_out_of_range(mean: float, deviation: float) -> None:
    with pytest.raises(ConfigError, match="beta1"):
        Betas(mean=mean, deviation=deviation)


def test_no_query_no_score() -> None:
    with pytest.raises(ConfigError, match="without queries"):
        consistency_aware_scores([])


def test_t_below_what_is_kept() -> None:
    cas: CasScores = consistency_aware_scores(np.ones((2, 1, 2)))[0]
    with pytest.raises(ConfigError, match="what is kept"):
        cas.select(0.05)
