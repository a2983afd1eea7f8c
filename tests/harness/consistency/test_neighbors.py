"""Neighbor sets against set algebra written apart, and what makes a comparison with them a fair one."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.consistency import NEIGHBOR_RULES, layer_matched, neighbor_set, some_of
from harness.errors import ConfigError

D_FF, LAYERS = 10, 3
neuron_sets = st.sets(st.integers(0, D_FF * LAYERS - 1), max_size=12)


def array(neurons: set[int]) -> np.ndarray:
    return np.array(sorted(neurons), dtype=np.int64)


@given(st.lists(neuron_sets, min_size=2, max_size=6), st.data())
def test_neighbor_sets_equal_set_algebra(sets: list[set[int]], data: st.DataObject) -> None:
    query = data.draw(st.integers(0, len(sets) - 1))
    others = sets[:query] + sets[query + 1 :]
    expected = {
        "union": set.union(*others),
        "intersection": reduce(lambda a, b: a & b, others),
        "refine": {n for i, one in enumerate(others) for other in others[i + 1 :] for n in one & other},
    }
    assert expected.keys() == set(NEIGHBOR_RULES)
    for rule, neurons in expected.items():
        assert neighbor_set([array(s) for s in sets], query, rule).tolist() == sorted(neurons)


def test_the_querys_own_neurons_do_not_count() -> None:
    sets = [array({1, 2}), array({2, 3}), array({3, 4})]
    assert neighbor_set(sets, 0, "union").tolist() == [2, 3, 4]
    assert neighbor_set(sets, 0, "intersection").tolist() == [3]
    assert neighbor_set(sets, 1, "refine").tolist() == []


def test_errors() -> None:
    with pytest.raises(ConfigError, match="Did you mean union"):
        neighbor_set([array({1}), array({2})], 0, "unions")
    with pytest.raises(ConfigError, match="has no neighbors"):
        neighbor_set([array({1})], 0, "union")


@given(neuron_sets, st.integers(0, 12), st.integers(0, 99))
def test_some_of_a_set_are_a_part_of_it_or_none_where_it_is_too_small(whole: set[int], size: int, seed: int) -> None:
    found = some_of(array(whole), size, rng=np.random.default_rng(seed))
    if len(whole) < size:
        assert found is None
        return
    assert found is not None
    assert len(found) == size
    assert found.tolist() == sorted(set(found.tolist()))
    assert set(found.tolist()) <= whole


def test_every_neuron_is_drawn_alike() -> None:
    rng = np.random.default_rng(0)
    counts = np.zeros(4)
    for _ in range(4000):
        counts[some_of(np.arange(4), 1, rng=rng)] += 1
    np.testing.assert_allclose(counts / 4000, 0.25, atol=0.03)


@given(neuron_sets, neuron_sets, st.integers(0, 99))
def test_random_neurons_are_as_many_a_layer_and_outside(like: set[int], outside: set[int], seed: int) -> None:
    found = layer_matched(array(like), array(outside), d_ff=D_FF, rng=np.random.default_rng(seed))
    per_layer = np.bincount(array(like) // D_FF, minlength=LAYERS)
    free = D_FF - np.bincount(array(outside) // D_FF, minlength=LAYERS)
    if (per_layer > free).any():
        assert found is None
        return
    assert found is not None
    assert len(set(found.tolist())) == len(like)
    assert not set(found.tolist()) & outside
    np.testing.assert_array_equal(np.bincount(found // D_FF, minlength=LAYERS), per_layer)
