import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.interventions.random_synapses import RandomSynapses
from harness.synapses import SynapseSet

SHAPE = (3, 4, 6)  # layers, query heads, tokens
synapses = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 3)), max_size=40)


def per_head(found: SynapseSet) -> np.ndarray:
    counts = np.zeros(SHAPE[:2], dtype=int)
    for _, layer, head in found:
        counts[layer, head] += 1
    return counts


@given(synapses, st.booleans(), st.sampled_from(["head", "triangle"]), st.integers(0, 1000))
def test_as_many_inside_the_query_and_apart_where_there_is_room(
    items: list[tuple[int, int, int]], exclude_first: bool, match: str, seed: int
) -> None:
    like = SynapseSet((max(column, int(exclude_first)), layer, head) for column, layer, head in items)
    control = RandomSynapses(match=match, exclude_first=exclude_first)
    found = control.draw(like, SHAPE, np.random.default_rng(seed))
    assert found == control.draw(like, SHAPE, np.random.default_rng(seed))
    assert len(found) == len(like)
    assert found.n_columns <= SHAPE[2]
    assert not exclude_first or all(synapse.column > 0 for synapse in found)
    room = SHAPE[2] - exclude_first
    if match == "head":
        assert (per_head(found) == per_head(like)).all()
        assert len(found & like) == np.maximum(2 * per_head(like) - room, 0).sum()
    else:
        assert len(found & like) == max(2 * len(like) - room * SHAPE[0] * SHAPE[1], 0)


def shares(control: RandomSynapses, like: SynapseSet, shape: tuple[int, int, int], draws: int = 2000) -> np.ndarray:
    rng, counts = np.random.default_rng(0), np.zeros(shape[2])
    for _ in range(draws):
        for synapse in control.draw(like, shape, rng):
            counts[synapse.column] += 1
    return counts / counts.sum()


def test_head_draws_every_other_column_alike() -> None:
    found = shares(RandomSynapses(), SynapseSet([(1, 0, 0)]), (1, 1, 5))
    np.testing.assert_allclose(found, [0.25, 0, 0.25, 0.25, 0.25], atol=0.03)


def test_triangle_draws_a_column_by_the_weights_that_it_has() -> None:
    like = SynapseSet([(4, 0, 0)])
    found = shares(RandomSynapses(match="triangle"), like, (1, 1, 5))
    np.testing.assert_allclose(found, np.array([5, 4, 3, 2, 0]) / 14, atol=0.03)


def test_errors() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="outside 3 layers, 4 query heads and 6 tokens"):
        RandomSynapses().draw(SynapseSet([(6, 0, 0)]), SHAPE, rng)
    with pytest.raises(ConfigError, match="which the draw leaves out"):
        RandomSynapses(exclude_first=True).draw(SynapseSet([(0, 0, 0)]), SHAPE, rng)
    with pytest.raises(ConfigError, match="no match 'heads'"):
        RandomSynapses(match="heads")
