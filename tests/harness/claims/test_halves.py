from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from harness.claims.halves import alternating_halves, split_halves
from harness.consistency import QuerySets, cs1_cs2
from harness.neurons import NeuronSet
from scripts.calibration.populations import alike, graded, population


def jaccard(evidence, queries):
    """Mean CS2 over pairs of queries, in loops."""
    flat, at = evidence.sets.neurons, evidence.sets.offsets
    sets = [NeuronSet.from_flat(flat[at[q] : at[q + 1]].tolist(), 64) for q in queries]
    scores = [cs1_cs2(pair) for pair in combinations(sets, 2)]
    defined = [score[1] for score in scores if score is not None]
    return np.mean(defined) if defined else None


def possible_halves(evidence, fact, k):
    queries = np.flatnonzero(evidence.fact_of_query == fact).tolist()
    for first in combinations(queries, k // 2):
        yield jaccard(evidence, first), jaccard(evidence, [q for q in queries if q not in first])


@pytest.mark.parametrize("k", [4, 5, 8])
def test_every_split_is_two_disjoint_halves(k):
    evidence = population(graded, relations=2, facts=3, k=k)
    halves = split_halves(evidence, 5, rng=np.random.default_rng(0))
    for fact in range(6):
        possible = [(pytest.approx(a), pytest.approx(b)) for a, b in possible_halves(evidence, fact, k)]
        for row in range(5):
            assert (halves.first[row, fact], halves.second[row, fact]) in possible
        assert halves.score[fact] == pytest.approx(jaccard(evidence, np.flatnonzero(evidence.fact_of_query == fact)))
    assert len(np.unique(halves.first[:, 0])) > 1


@pytest.mark.parametrize("k", [4, 5, 8])
def test_alternating_halves_are_every_other_query(k):
    evidence = population(graded, relations=2, facts=3, k=k)
    first, second = alternating_halves(evidence)
    for fact in range(6):
        queries = np.flatnonzero(evidence.fact_of_query == fact).tolist()
        assert first[fact] == pytest.approx(jaccard(evidence, queries[::2]))
        assert second[fact] == pytest.approx(jaccard(evidence, queries[1::2]))


def test_three_queries_or_an_empty_half_have_no_alternating_scores():
    evidence = population(alike, relations=1, facts=3, k=4)
    ids = evidence.sets.neurons.reshape(-1, 8).tolist()
    sets = QuerySets.from_lists([*ids[:7], [], ids[0], [], ids[1], []])
    first, second = alternating_halves(
        replace(evidence, fact_of_query=np.array([0] * 3 + [1] * 5 + [2] * 4), sets=sets)
    )
    assert np.isnan([first[0], second[0], second[2]]).all()
    assert np.isfinite([first[1], second[1], first[2]]).all()


def test_facts_with_three_queries_or_no_neuron_are_left_out():
    evidence = population(alike, relations=1, facts=3, k=4)
    ids = evidence.sets.neurons.reshape(-1, 8).tolist()
    fewer = replace(
        evidence, fact_of_query=np.array([0] * 3 + [1] * 5 + [2] * 4), sets=QuerySets.from_lists(ids[:8] + [[]] * 4)
    )
    assert split_halves(fewer, 2, rng=np.random.default_rng(0)).fact.tolist() == [1]


def test_a_half_without_neurons_has_no_score():
    evidence = population(alike, relations=1, facts=1, k=4)
    ids = evidence.sets.neurons.reshape(-1, 8).tolist()
    halves = split_halves(
        replace(evidence, sets=QuerySets.from_lists([[], [], ids[2], ids[3]])), 30, rng=np.random.default_rng(0)
    )
    assert np.isnan(halves.first).any()
    assert np.isfinite(halves.score).all()


def test_chance_is_not_reliable_and_facts_that_differ_are():
    chance, facts = (
        split_halves(population(rates, relations=12), 10, rng=np.random.default_rng(0)).reliability()
        for rates in (alike, graded)
    )
    assert abs(chance) < 0.15
    assert facts > 0.7


def test_no_query():
    evidence = population(alike, relations=1, facts=1, k=2)
    halves = split_halves(evidence, 2, rng=np.random.default_rng(0))
    assert (len(halves.fact), halves.resolution, halves.reliability()) == (0, 0.0, None)
