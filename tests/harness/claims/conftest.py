"""Worlds whose truth is known: which facts keep their neurons over queries, and by how much."""

import numpy as np
import pytest

from harness.claims import Evidence, Retest
from harness.consistency import Groups, QuerySets

D = 4096
SIZE = 8


def random_sets(n, rng):
    return [rng.choice(D, SIZE, replace=False).tolist() for _ in range(n)]


def localize(rates, k, rng):
    """Sets of k queries a fact: each neuron of a query is the fact's own with the fact's rate, else random."""
    sets = []
    for rate in rates:
        own = rng.choice(D, SIZE, replace=False)
        sets += [np.where(rng.random(SIZE) < rate, own, rng.choice(D, SIZE, replace=False)).tolist() for _ in range(k)]
    return sets


def build(sets, *, relations, facts, k, known=1.0, retest=None, seed=0):
    rng = np.random.default_rng(seed)
    fact = np.repeat(np.arange(relations * facts), k)
    relation = np.repeat(np.arange(relations), facts)
    if retest is None:  # a localizer that agrees with itself but for one neuron in one variant
        retest = [variant for ids in sets[:40] for variant in (ids, ids, ids[:-1], ids)]
    return Evidence(
        fact_of_query=fact,
        pattern_of_query=relation[fact] * k + np.tile(np.arange(k), relations * facts),
        relation_of_fact=relation,
        relation_names=tuple(f"R{i}" for i in range(relations)),
        known_query=rng.random(len(fact)) < known,
        sets=QuerySets.from_lists(sets),
        unscored={"no room": 2, "answer has no token": 3},
        retest=Retest(
            sets=QuerySets.from_lists(retest),
            groups=Groups.by_label(np.arange(len(retest)) // 4),
            relation_of_group=np.zeros(len(retest) // 4, dtype=np.int64),
        ),
    )


@pytest.fixture
def world():
    """A world with a share of inconsistent facts; the others keep 90 % of their neurons, those 5 %."""

    def make(inconsistent, *, relations=12, facts=20, k=6, seed=0, **settings):
        rng = np.random.default_rng(seed)
        # Relations differ, the mean is as asked.
        of_relation = np.clip(inconsistent + 0.03 * rng.standard_normal(relations), 0, 1)
        rates = np.where(rng.random((relations, facts)) < of_relation[:, None], 0.05, 0.9).ravel()
        sets = localize(rates, k, rng)
        return build(sets, relations=relations, facts=facts, k=k, seed=seed, **settings)

    return make


@pytest.fixture
def homogeneous():
    """A world with one kind of facts, whose rates have one mode."""

    def make(*, relations=12, facts=30, k=4, seed=0):
        rng = np.random.default_rng(seed)
        return build(localize(rng.beta(4, 8, relations * facts), k, rng), relations=relations, facts=facts, k=k)

    return make


@pytest.fixture
def noise():
    """What a random localizer finds; it may still agree with itself perfectly."""

    def make(*, agrees_with_itself, relations=12, facts=20, k=6, seed=0):
        rng = np.random.default_rng(seed)
        sets = random_sets(relations * facts * k, rng)
        retest = None if agrees_with_itself else random_sets(160, rng)
        return build(sets, relations=relations, facts=facts, k=k, retest=retest)

    return make
