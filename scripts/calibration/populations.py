"""Populations of facts whose truth is known: of one kind, alike or by degree, or of two kinds; relations differ or not.

A fact's rate is the probability with which a neuron of a query is the fact's own and not a random one.
"""

import numpy as np

from harness.claims import Evidence, Retest
from harness.consistency import Groups, QuerySets

SIZE = 8
WIDTH = 200


def logistic(x):
    """The probability of these log odds."""
    return 1 / (1 + np.exp(-x))


def logit(p):
    """The log odds of this probability."""
    return np.log(p / (1 - p))


def alike(relation, rng):
    """One kind: all facts have one rate."""
    return np.full(len(relation), 0.4)


def alike_in_relations(relation, rng):
    """One kind: relations differ, facts of a relation do not."""
    return logistic(logit(0.4) + 0.5 * rng.standard_normal(relation.max() + 1))[relation]


def far_apart_relations(relation, rng):
    """One kind: relations differ as much as they can, facts of a relation do not."""
    return rng.uniform(0.1, 0.9, relation.max() + 1)[relation]


def graded(relation, rng):
    """One kind: facts differ by degree, and so do relations."""
    return logistic(logit(rng.beta(4, 8, len(relation))) + 0.5 * rng.standard_normal(relation.max() + 1)[relation])


def two_kinds(relation, rng):
    """Two kinds of about a half each, both of them spread; relations differ in their shares."""
    share = np.clip(0.5 + 0.15 * rng.standard_normal(relation.max() + 1), 0.1, 0.9)[relation]
    low, high = rng.beta(3, 20, len(relation)), rng.beta(14, 6, len(relation))
    return np.where(rng.random(len(relation)) < share, low, high)


# Populations that no rule was shaped on.


def skewed(relation, rng):
    """One kind: most facts keep next to nothing, few keep much, as in the paper's violins; relations differ."""
    shift = 0.7 * rng.standard_normal(relation.max() + 1)[relation]
    return logistic(logit(np.clip(rng.beta(1.3, 5, len(relation)), 0.01, 0.99)) + shift)


def heavy_tailed_relations(relation, rng):
    """One kind: facts differ by degree around relations of which a few lie far out."""
    level = 0.4 * rng.standard_t(3, relation.max() + 1)[relation]
    return logistic(-0.4 + level + 0.4 * rng.standard_normal(len(relation)))


def steady(relation, rng):
    """One kind: all facts keep most of their neurons."""
    return np.full(len(relation), 0.7)


def two_clouds(relation, rng):
    """Two kinds, 40 % of them low, each spread in log odds; relations shift all their facts."""
    shift = 0.3 * rng.standard_normal(relation.max() + 1)[relation]
    low = rng.random(len(relation)) < 0.4
    return logistic(np.where(low, -2.2, 1.2) + 0.5 * rng.standard_normal(len(relation)) + shift)


def spread(total, relations, rng):
    """Relations of unequal sizes, at least 10 facts each."""
    weights = rng.dirichlet(np.full(relations, 2.0))
    return 10 + rng.multinomial(total - 10 * relations, weights)


def population(rates, *, relations=12, facts=30, k=8, seed=0, uneven=False):
    """The evidence of a population; its localizer agrees with itself."""
    rng = np.random.default_rng(seed)
    sizes = spread(relations * facts, relations, rng) if uneven else facts
    relation = np.repeat(np.arange(relations), sizes)
    n = len(relation)
    own, other = rng.integers(0, WIDTH, (n, 1, SIZE)), rng.integers(0, WIDTH, (n, k, SIZE))
    keep = rng.random((n, k, SIZE)) < rates(relation, rng)[:, None, None]
    # Every place of a set has neurons of its own, so sets come out sorted and unique.
    ids = (np.where(keep, own, other) + np.arange(SIZE) * WIDTH).reshape(n * k, SIZE)
    again = np.repeat(ids[:40], 4, axis=0)
    return Evidence(
        fact_of_query=np.repeat(np.arange(n), k),
        pattern_of_query=np.repeat(relation, k) * k + np.tile(np.arange(k), n),
        relation_of_fact=relation,
        relation_names=tuple(f"R{i}" for i in range(relations)),
        known_query=np.ones(n * k, dtype=bool),
        sets=QuerySets(np.arange(n * k + 1) * SIZE, ids.ravel()),
        retest=Retest(
            sets=QuerySets(np.arange(len(again) + 1) * SIZE, again.ravel()),
            groups=Groups.by_label(np.arange(len(again)) // 4),
            relation_of_group=np.zeros(len(again) // 4, dtype=np.int64),
        ),
    )
