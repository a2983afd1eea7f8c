import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.consistency import Groups, QuerySets, consistency_scores, cs1_cs2, scores
from harness.errors import ConfigError
from harness.neurons import NeuronSet

D_FF = 6
SETS = st.lists(st.lists(st.integers(0, 3 * D_FF - 1), max_size=6), min_size=1, max_size=8)


def reference(lists):
    return cs1_cs2([NeuronSet.from_flat(ids, D_FF) for ids in lists])


def test_definition_by_hand():
    # union {1, 2, 3, 4}; 1 in all three sets, 2 in two, 3 and 4 in one
    assert reference([[1, 2], [1, 2, 3], [1, 4]]) == (1 / 4, 2 / 4)


def test_empty_union_is_undefined_and_an_empty_set_counts_as_a_query():
    assert reference([[], []]) is None
    assert reference([[1], []]) == (0.0, 0.0)
    result = consistency_scores(QuerySets.from_lists([[], [1]]), Groups.from_lists([[0, 0], [0, 1], []]))
    assert result.defined.tolist() == [False, True, False]
    assert np.isnan(result.cs1[[0, 2]]).all()
    assert np.isnan(result.cs2[[0, 2]]).all()
    assert result.cs2[1] == 0.0
    assert result.n_queries.tolist() == [2, 2, 0]


@given(lists=SETS, data=st.data())
def test_vectorised_equals_the_definition(lists, data):
    member = st.integers(0, len(lists) - 1)
    groups = data.draw(st.lists(st.lists(member, max_size=5), max_size=6))
    result = consistency_scores(QuerySets.from_lists(lists), Groups.from_lists(groups))
    for i, group in enumerate(groups):
        expected = reference([lists[q] for q in group])
        assert bool(result.defined[i]) == (expected is not None)
        assert result.union_size[i] == len(set().union(*(lists[q] for q in group)))
        if expected is not None:
            assert (result.cs1[i], result.cs2[i]) == expected


@given(lists=SETS)
def test_chunks_change_nothing(lists):
    sets = QuerySets.from_lists(lists)
    groups = Groups.from_lists([[i, j] for i in range(len(lists)) for j in range(len(lists))])
    whole = consistency_scores(sets, groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "ENTRIES_AT_ONCE", 5)
        parts = consistency_scores(sets, groups)
    np.testing.assert_array_equal(whole.cs1, parts.cs1)
    np.testing.assert_array_equal(whole.cs2, parts.cs2)
    np.testing.assert_array_equal(whole.union_size, parts.union_size)


@given(lists=SETS.filter(lambda sets: len(sets) >= 2 and any(sets)), data=st.data())
def test_cs1_never_exceeds_cs2_and_order_does_not_matter(lists, data):
    cs1, cs2 = reference(lists)
    assert 0 <= cs1 <= cs2 <= 1
    assert reference(data.draw(st.permutations(lists))) == (cs1, cs2)


@given(lists=SETS.filter(lambda sets: len(sets) == 2 and any(sets)))
def test_two_queries_make_both_scores_equal(lists):
    cs1, cs2 = reference(lists)
    assert cs1 == cs2


@given(neurons=st.sets(st.integers(0, 17), min_size=1), k=st.integers(2, 5))
def test_identical_sets_are_fully_consistent(neurons, k):
    assert reference([neurons] * k) == (1.0, 1.0)


def test_a_query_twice_in_a_group_is_two_members():
    result = consistency_scores(QuerySets.from_lists([[1], [2]]), Groups.from_lists([[0, 0, 1]]))
    assert result.cs2.tolist() == [0.5]
    assert result.cs1.tolist() == [0.0]


def test_large_ids_do_not_run_into_the_next_group():
    big = 2**31
    result = consistency_scores(QuerySets.from_lists([[0, big], [big]]), Groups.from_lists([[0, 1], [1, 0]]))
    assert result.cs2.tolist() == [0.5, 0.5]


def test_a_group_that_names_no_query_is_refused():
    with pytest.raises(ConfigError, match="names query 3"):
        consistency_scores(QuerySets.from_lists([[1]]), Groups.from_lists([[0, 3]]))
