from dataclasses import replace

import numpy as np
import pytest

from harness.claims import Retest
from harness.consistency import Groups, QuerySets
from harness.errors import ConfigError


def test_counts_by_fact(world):
    evidence = world(0.5, relations=2, facts=3, k=5, known=0.5)
    assert evidence.queries_of_fact.tolist() == [5] * 6
    known = [evidence.known_query[evidence.fact_of_query == fact].sum() > 2 for fact in range(6)]
    assert evidence.known_fact.tolist() == known
    assert evidence.n_unscored == 5


def test_half_known_is_not_known(world):
    evidence = world(0.5, relations=1, facts=1, k=4)
    assert not replace(evidence, known_query=np.array([True, True, False, False])).known_fact[0]
    assert replace(evidence, known_query=np.array([True, True, True, False])).known_fact[0]


@pytest.mark.parametrize(
    "change",
    [
        {"relation_of_fact": np.array([0, 9])},
        {"fact_of_query": np.repeat([0, 2], 4)},
        {"fact_of_query": np.repeat([0, -1], 4)},
    ],
)
def test_an_index_without_its_target_is_refused(world, change):
    evidence = world(0.5, relations=1, facts=2, k=4)
    with pytest.raises(ConfigError, match=next(iter(change))):
        replace(evidence, **change)


def test_a_length_that_does_not_fit_is_refused(world):
    evidence = world(0.5, relations=1, facts=2, k=4)
    with pytest.raises(ConfigError, match="7 entries"):
        replace(evidence, sets=QuerySets.from_lists([[1]] * 7))


def test_a_retest_group_needs_a_variant():
    sets = QuerySets.from_lists([[1], [2]])
    with pytest.raises(ConfigError, match="at least one variant"):
        Retest(sets=sets, groups=Groups.from_lists([[0], [0, 1]]), relation_of_group=np.array([0, 0]))
    with pytest.raises(ConfigError, match=r"groups\.queries"):
        Retest(sets=sets, groups=Groups.from_lists([[0, 2]]), relation_of_group=np.array([0]))
