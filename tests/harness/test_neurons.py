import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.neurons import Neuron, NeuronSet, occurrences

D_FF = 7
pairs = st.tuples(st.integers(0, 3), st.integers(0, D_FF - 1))
lists = st.lists(pairs, max_size=20)


@given(lists, lists)
def test_algebra_is_that_of_sets(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    a, b = NeuronSet(left), NeuronSet(right)
    for ours, plain in [
        (a | b, set(left) | set(right)),
        (a & b, set(left) & set(right)),
        (a - b, set(left) - set(right)),
        (a ^ b, set(left) ^ set(right)),
    ]:
        assert isinstance(ours, NeuronSet)
        assert list(ours) == sorted(plain)
    assert (a <= b) == (set(left) <= set(right))
    assert (a == b) == (set(left) == set(right))


@given(lists)
def test_order_and_repetition_do_not_matter(items: list[tuple[int, int]]) -> None:
    a, b = NeuronSet(items), NeuronSet(items[::-1] + items)
    assert a == b
    assert hash(a) == hash(b)
    assert len(a) == len(set(items))
    assert list(a) == sorted(set(items))


@given(lists)
def test_flat_ids_and_back(items: list[tuple[int, int]]) -> None:
    flat = NeuronSet(items).to_flat(D_FF)
    assert flat == sorted(flat)
    assert NeuronSet.from_flat(flat, D_FF) == NeuronSet(items)


@given(st.lists(lists, max_size=5))
def test_occurrences_count_sets_not_repetitions(groups: list[list[tuple[int, int]]]) -> None:
    counts = occurrences([NeuronSet(group) for group in groups])
    for neuron, count in counts.items():
        assert count == sum(tuple(neuron) in group for group in groups)
    assert set(counts) == {Neuron(*item) for group in groups for item in group}


def test_neurons_count_from_zero_and_fit_their_layer() -> None:
    with pytest.raises(ConfigError, match="counts from 0"):
        NeuronSet([(0, -1)])
    with pytest.raises(ConfigError, match="beyond 7 neurons"):
        NeuronSet([(0, 7)]).to_flat(7)
