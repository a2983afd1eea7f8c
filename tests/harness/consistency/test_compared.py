import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.consistency import NEIGHBOR_RULES, neighbor_set
from harness.consistency.compared import (
    COMPARED,
    OWN,
    RANDOM,
    compared_neurons,
    own_beside,
    random_beside,
    whole,
)

D_FF, LAYERS = 20, 3
neuron_sets = st.sets(st.integers(0, D_FF * LAYERS - 1), max_size=8).map(lambda s: np.array(sorted(s), dtype=np.int64))


def generator(purpose: str) -> np.random.Generator:
    return np.random.default_rng(list(purpose.encode()))


@given(st.lists(neuron_sets, min_size=3, max_size=5))
def test_what_is_compared_is_of_equal_size_and_in_equal_layers(sets: list[np.ndarray]) -> None:
    for query, own in enumerate(sets):
        found = compared_neurons(sets, query, d_ff=D_FF, generator=generator)
        assert set(found) <= set(COMPARED)
        if len(own) == 0:
            assert found == {}
            continue
        assert found[OWN].tolist() == own.tolist()
        of_fact = np.concatenate(sets)
        pairs = [(OWN, RANDOM), *((rule, random_beside(rule)) for rule in NEIGHBOR_RULES if rule in found)]
        for name, control in pairs:
            if control in found:
                assert np.array_equal(np.sort(found[name] // D_FF), np.sort(found[control] // D_FF))
                assert not np.isin(found[control], of_fact).any()
        for rule in NEIGHBOR_RULES:
            neighbors = neighbor_set(sets, query, rule)
            assert (whole(rule) in found) == (len(neighbors) > 0)
            assert (rule in found) == (own_beside(rule) in found) == (len(neighbors) >= len(own))
            if rule in found:
                assert len(found[rule]) == len(own)
                assert np.isin(found[rule], neighbors).all()
                assert np.array_equal(found[own_beside(rule)], own)
            if whole(rule) in found:
                assert np.array_equal(found[whole(rule)], neighbors)


def test_a_layer_that_is_full_has_no_random_neurons() -> None:
    sets = [np.arange(0, 15), np.arange(5, 20), np.arange(5, 20)]
    found = compared_neurons(sets, 0, d_ff=20, generator=generator)
    assert RANDOM not in found
    assert OWN in found
