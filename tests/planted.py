"""Small planted models, and what a localizer that makes no mistake would find in a planted world."""

import numpy as np

from harness.claims import Evidence, Retest
from harness.consistency import Groups, QuerySets
from harness.models.handle import ModelHandle
from harness.models.names import ModelName
from harness.models.organisms.recipe import Planted, Recipe
from harness.models.organisms.world import World

SMALL = Recipe(name="small", relations=4, facts=6, paraphrases=5, subjects=8, objects=7, objects_a_relation=3)


def planted_handle(recipe: Recipe, architecture: str) -> ModelHandle:
    """A planted model that has no name of its own, as `--model` would give it."""
    planted = Planted(recipe=recipe, architecture=architecture)
    return ModelHandle(ModelName(id=f"{recipe.name}-{architecture}", builtin=True, planted=planted))


def evidence_of_truth(world: World) -> Evidence:
    """The planted neurons of every query as if they had been localized, and found again in every retest."""
    relations = world.dataset.relations
    facts = [fact for relation in relations for fact in relation.facts]
    number = {fact.uid: index for index, fact in enumerate(facts)}
    names = [relation.name for relation in relations]
    patterns = {p.id: index for index, p in enumerate(p for relation in relations for p in relation.patterns)}
    queries = list(world.dataset.queries())
    sets = [world.truth[query.fact.uid, query.pattern_id].to_flat(world.d_ff) for query in queries]
    again = range(0, len(queries), 7)
    return Evidence(
        fact_of_query=np.array([number[query.fact.uid] for query in queries]),
        pattern_of_query=np.array([patterns[query.pattern_id] for query in queries]),
        relation_of_fact=np.array([names.index(fact.relation) for fact in facts]),
        relation_names=tuple(names),
        object_of_fact=np.unique([fact.object for fact in facts], return_inverse=True)[1],
        known_query=np.ones(len(queries), dtype=bool),
        sets=QuerySets.from_lists(sets),
        unscored={},
        retest=Retest(
            sets=QuerySets.from_lists([sets[query] for query in again for _ in range(4)]),
            groups=Groups.from_lists([range(4 * i, 4 * i + 4) for i in range(len(again))]),
            relation_of_group=np.array([names.index(queries[query].fact.relation) for query in again]),
        ),
    )
