"""The sets of a query: what they are made of, and that nothing but the query moves them."""

import numpy as np
import pytest

from harness.interventions.compared_synapses import PRINTED, READINGS, WITHOUT_FIRST, ComparedSynapses, SynapseDraw
from harness.interventions.knowledge_synapses import KnowledgeSynapses
from harness.synapses import SynapseSet


def columns(tokens: int, seed: int) -> np.ndarray:
    """Column sums of random causal maps of 2 layers and 3 heads."""
    rng = np.random.default_rng(seed)
    weights = np.tril(rng.exponential(size=(2, 3, tokens, tokens)) ** 2)
    return (weights / weights.sum(axis=-1, keepdims=True)).sum(axis=-2)


@pytest.mark.parametrize("reading", sorted(READINGS))
def test_the_sets_are_those_of_the_reading(reading: str) -> None:
    own, other = columns(7, 0), columns(11, 1)
    sets = SynapseDraw().compared("a query", reading, own, other)
    assert sets.own == READINGS[reading].select(own)
    assert sets.irrelevant == SynapseSet(s for s in READINGS[reading].select(other) if s.column < 7)
    assert len(sets.random) == len(sets.own)
    for layer in range(2):
        for head in range(3):
            here = [sum((s.layer, s.head) == (layer, head) for s in one) for one in (sets.own, sets.random)]
            assert here[0] == here[1]


def test_the_other_reading_has_no_first_position_in_any_of_its_sets() -> None:
    sets = SynapseDraw().compared("a query", WITHOUT_FIRST, columns(9, 2), columns(9, 3))
    assert all(synapse.column > 0 for one in sets.sets() for synapse in one)
    assert sets.own


def test_where_printed_synapses_are_the_first_position_alone_the_other_reading_still_has_some() -> None:
    sink = np.zeros((2, 3, 8, 8))
    sink[..., 0] = 0.9
    for row in range(8):
        sink[..., row, max(row - 1, 1)] += 0.1
    sink[..., 0, :] = np.eye(8)[0]
    sink[0, 0, 5:, 5], sink[0, 0, 5:, 0], sink[0, 0, 5:, 1:5] = 1.0, 0.0, 0.0
    summed = sink.sum(axis=-2)
    assert KnowledgeSynapses().select(summed).first_position_share == 6 / 7
    assert READINGS[WITHOUT_FIRST].select(summed) == SynapseSet([(5, 0, 0)])


def test_draws_depend_on_the_query_and_the_seed_alone() -> None:
    args = (PRINTED, columns(9, 4), columns(9, 5))
    draw = SynapseDraw(seed=3)
    assert draw.compared("q", *args).random == draw.compared("q", *args).random
    drawn = {draw.compared(key, *args).random for key in "abcdefgh"}
    assert len(drawn) > 1
    assert {draw.irrelevant("q", range(50)) for _ in range(3)} == {draw.irrelevant("q", range(50))}
    assert len({draw.irrelevant(key, range(50)) for key in "abcdefgh"}) > 1
    assert len({SynapseDraw(seed=seed).irrelevant("q", range(50)) for seed in range(8)}) > 1


def test_irrelevant_queries_are_drawn_alike() -> None:
    drawn = [SynapseDraw().irrelevant(str(key), range(4)) for key in range(800)]
    counts = np.bincount(np.array(drawn, dtype=int), minlength=4)
    assert counts.min() > 150
    assert SynapseDraw().irrelevant("q", []) is None


def test_numbers_of_the_sets() -> None:
    sets = ComparedSynapses(
        own=SynapseSet([(0, 0, 0), (1, 0, 0), (2, 1, 1)]),
        irrelevant=SynapseSet([(0, 0, 0), (3, 0, 0)]),
        random=SynapseSet([(4, 0, 0), (5, 0, 0), (5, 1, 1)]),
    )
    assert sets.numbers() == pytest.approx(
        {
            "size_self": 3,
            "size_irrelevant": 2,
            "overlap_irrelevant": 1 / 4,
            "overlap_random": 0,
            "first_position_share": 1 / 3,
        }
    )


def test_why_nothing_can_be_compared() -> None:
    some = SynapseSet([(0, 0, 0)])
    nothing = SynapseSet()
    assert ComparedSynapses(own=some, irrelevant=some, random=some).why_incomparable() is None
    assert "no synapse" in (ComparedSynapses(own=nothing, irrelevant=some, random=nothing).why_incomparable() or "")
    assert "irrelevant" in (ComparedSynapses(own=some, irrelevant=nothing, random=some).why_incomparable() or "")
