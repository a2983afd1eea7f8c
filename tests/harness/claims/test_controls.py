from dataclasses import replace

import numpy as np

from harness.claims import controls
from harness.claims.controls import above_floor, answer_floor, permutation_floor, retest_ceiling
from harness.consistency import QuerySets


def floor_of(evidence):
    return permutation_floor(evidence, 4, 99, rng=np.random.default_rng(0))


def test_consistency_of_facts_lies_above_the_floor(world):
    floor = floor_of(world(0.3))
    assert floor.mean < 0.1 < 0.3 < floor.observed
    assert floor.p == 0.01
    assert above_floor(floor).passed


def test_neurons_of_a_relation_survive_the_exchange_and_prove_nothing(world):
    evidence = world(0.3)
    relation = evidence.relation_of_fact[evidence.fact_of_query]
    floor = floor_of(replace(evidence, sets=QuerySets.from_lists([[r, r + 100] for r in relation.tolist()])))
    assert floor.observed == floor.mean == 1.0
    assert floor.p == 1.0
    assert not above_floor(floor).passed


def test_queries_are_exchanged_between_facts_of_one_pattern_only(world):
    # One neuron a pattern: any four queries of a fact have nothing in common. Were patterns mixed, they would.
    evidence = world(0.3)
    floor = floor_of(replace(evidence, sets=QuerySets.from_lists([[p] for p in evidence.pattern_of_query.tolist()])))
    assert floor.observed == floor.mean == 0.0


def test_the_floor_rests_on_a_sample_of_many_facts(world, monkeypatch):
    monkeypatch.setattr(controls, "FLOOR_FACTS", 50)
    assert floor_of(world(0.3)).n_facts == 50


def test_facts_with_too_few_queries_have_no_floor(world):
    assert floor_of(world(0.3, k=3)) is None


def test_ceiling_is_the_mean_over_retested_queries(world):
    retest = world(0.3, retest=[[1, 2]] * 4 + [[3], [4], [5], [6]] + [[], [], [], []]).retest
    control = retest_ceiling(retest, 0.5)
    assert control.value == 0.5
    assert control.passed
    assert not retest_ceiling(retest, 0.51).passed


def answer_floor_of(evidence, objects):
    return answer_floor(replace(evidence, object_of_fact=objects), 4, 99, rng=np.random.default_rng(0))


def test_neurons_of_a_frequent_answer_raise_the_floor_of_the_relation_but_not_that_of_answers(world):
    evidence = world(0.3)
    place = np.arange(evidence.n_facts) % 20
    answer = np.where(place < 10, 0, place)  # half of each relation's facts share one object, the others have their own
    of_query = answer[evidence.fact_of_query].tolist()
    evidence = replace(evidence, sets=QuerySets.from_lists([[o, 100 + o] for o in of_query]))
    relation, other = floor_of(evidence), answer_floor_of(evidence, answer)
    assert relation.observed == other.observed == 1.0
    assert other.mean < relation.mean - 0.05
    assert other.p == 0.01


def test_facts_without_another_answer_are_left_out(world):
    evidence = world(0.3)
    objects = np.where(evidence.relation_of_fact == 0, 0, np.arange(evidence.n_facts))
    floor = answer_floor_of(evidence, objects)
    assert floor.n_facts == evidence.n_facts - 20
    assert floor.mean < 0.1 < 0.3 < floor.observed


def test_no_answer_floor_without_objects_or_with_one(world):
    assert answer_floor(world(0.3), 4, 99, rng=np.random.default_rng(0)) is None
    evidence = world(0.3)
    assert answer_floor_of(evidence, np.zeros(evidence.n_facts, dtype=np.int64)) is None
