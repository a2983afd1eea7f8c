"""The truth of a planted world, checked against the definitions written out."""

from dataclasses import replace
from itertools import combinations

import pytest

from harness.consistency import cs1_cs2
from harness.models.organisms.growing import grow
from harness.models.organisms.recipe import Recipe
from harness.models.organisms.world import World
from harness.neurons import Neuron
from tests.planted import SMALL

MIXED = replace(SMALL, inconsistent=0.6, overlap=0.4, neurons=(2, 5), sharing_relations=0.5, relation_neurons=2)
MANY = Recipe(name="many", relations=40, facts=20, paraphrases=4, inconsistent=0.3, overlap=0.3, neurons=(4, 6))


@pytest.fixture(params=[SMALL, MIXED, replace(MIXED, inconsistent=0.0), replace(MIXED, inconsistent=1.0)])
def world(request: pytest.FixtureRequest) -> World:
    return grow(request.param)


def test_cs2_by_construction_is_the_definition_on_every_subset_of_queries(world: World) -> None:
    for k in (2, 4):
        stated = world.cs2(k)
        for relation in world.relations:
            for fact in relation.facts:
                sets = [world.truth[fact.fact.uid, pattern.id] for pattern in relation.patterns]
                for chosen in combinations(sets, k):
                    scores = cs1_cs2(chosen)
                    assert scores is not None
                    assert scores[1] == pytest.approx(stated[fact.fact.uid], abs=1e-12)


def test_the_realised_share_counts_facts_at_or_below_the_cut(world: World) -> None:
    scores = sorted(world.cs2(4).values())
    cut = scores[len(scores) // 2]
    assert world.inconsistent_share(cut) == sum(score <= cut for score in scores) / len(scores)


def test_a_consistent_fact_has_the_same_neurons_in_every_query_and_an_inconsistent_one_some_of_its_own(
    world: World,
) -> None:
    for relation in world.relations:
        for fact in relation.facts:
            sets = [world.truth[fact.fact.uid, pattern.id] for pattern in relation.patterns]
            assert (len(set(sets)) == 1) == fact.consistent
            least, most = world.recipe.neurons
            assert all(least <= len(found) - len(relation.shared) <= most for found in sets)


def test_every_place_holds_one_neuron_and_every_neuron_of_a_fact_serves_no_other_fact(world: World) -> None:
    places = [neuron.at for neuron in world.neurons]
    everywhere = {Neuron(layer, index) for layer in range(world.recipe.layers) for index in range(world.d_ff)}
    assert len(places) == len(set(places))
    assert set(places) == everywhere
    held = [neuron for fact in world.facts for found in (fact.common, *fact.own) for neuron in found]
    assert len(held) == len(set(held))
    assert {place.layer for place in held} == set(range(world.recipe.layers))


def test_a_neuron_waits_for_what_it_is_counted_for() -> None:
    world = grow(MIXED)
    at = {neuron.at: neuron for neuron in world.neurons}
    for relation in world.relations:
        assert all(
            (at[n].subject, at[n].relation, at[n].fact) == (None, relation.number, None) for n in relation.shared
        )
        for fact in relation.facts:
            common = (fact.subject, relation.number, None, fact.number)
            for n in fact.common:
                assert (at[n].subject, at[n].relation, at[n].paraphrase, at[n].fact) == common
            for paraphrase, own in enumerate(fact.own):
                assert all((at[n].paraphrase, at[n].fact) == (paraphrase, fact.number) for n in own)


def test_shares_are_what_the_recipe_says() -> None:
    world = grow(replace(MANY, inconsistent_spread=0.0, overlap_spread=0.0))
    inconsistent = [fact for fact in world.facts if not fact.consistent]
    # 800 facts: standard error 0.016; of some 1,200 neurons of the inconsistent ones: 0.013.
    assert len(inconsistent) / len(world.facts) == pytest.approx(0.3, abs=0.05)
    common, size = (sum(n) for n in zip(*((len(f.common), f.neurons_a_query) for f in inconsistent), strict=True))
    assert common / size == pytest.approx(0.3, abs=0.04)
    assert sum(bool(relation.shared) for relation in world.relations) == 10


def test_relations_differ_by_their_effects() -> None:
    def spread(world: World) -> float:
        shares = [sum(not f.consistent for f in r.facts) / len(r.facts) for r in world.relations]
        mean = sum(shares) / len(shares)
        return sum((share - mean) ** 2 for share in shares) / len(shares)

    plain, varied = (grow(replace(MANY, inconsistent_spread=s)) for s in (0.0, 1.5))
    assert spread(varied) > 3 * spread(plain)


def test_another_parameter_leaves_facts_and_classes_alone() -> None:
    one, other = grow(SMALL), grow(replace(SMALL, overlap=0.9, neurons=(4, 4), sharing_relations=0.0))
    assert one.dataset == other.dataset
    assert [f.consistent for f in one.facts] == [f.consistent for f in other.facts]
    assert grow(replace(SMALL, seed=1)).dataset != one.dataset


def test_facts_are_asked_as_any_other_facts() -> None:
    dataset = grow(SMALL).dataset
    assert (dataset.n_facts, dataset.n_queries) == (24, 120)
    prompts = [query.prompt for query in dataset.queries()]
    assert len(set(prompts)) == len(prompts)
    for relation in dataset.relations:
        assert len({fact.object for fact in relation.facts}) <= SMALL.objects_a_relation < len(relation.facts)
        assert len({fact.subject for fact in relation.facts}) == len(relation.facts)
        assert all(pattern.stem is not None for pattern in relation.patterns)
    assert [relation.name for relation in dataset.relations] == sorted(relation.name for relation in dataset.relations)
