import numpy as np
import pytest

from harness.consistency import Groups, QuerySets
from harness.errors import ConfigError


def test_from_lists_sorts_and_uniques():
    sets = QuerySets.from_lists([[7, 3, 7], [], [0]])
    assert sets.offsets.tolist() == [0, 2, 2, 3]
    assert sets.neurons.tolist() == [3, 7, 0]
    assert sets.sizes.tolist() == [2, 0, 1]
    assert len(sets) == 3


def test_no_query_at_all():
    assert len(QuerySets.from_lists([])) == 0
    assert len(Groups.from_lists([])) == 0
    assert len(Groups.by_label(np.array([], dtype=np.int64))) == 0


def test_take_repeats_and_reorders():
    taken = QuerySets.from_lists([[1, 2], [], [5]]).take(np.array([2, 0, 1, 2]))
    assert taken.sizes.tolist() == [1, 2, 0, 1]
    assert taken.neurons.tolist() == [5, 1, 2, 5]


def test_by_label_groups_all_queries_of_a_fact():
    groups = Groups.by_label(np.array([2, 0, 2, 0, 0]))
    members = [groups.queries[a:b].tolist() for a, b in zip(groups.offsets[:-1], groups.offsets[1:], strict=True)]
    assert members == [[1, 3, 4], [], [0, 2]]


def test_a_start_in_an_empty_set_is_no_order_violation():
    QuerySets(offsets=np.array([0, 0, 1, 1, 2, 2]), neurons=np.array([9, 3]))


@pytest.mark.parametrize(
    ("offsets", "neurons"),
    [([0, 2], [5, 3]), ([0, 2], [3, 3]), ([0, 1], [-1]), ([0, 3], [1, 2]), ([1, 2], [1, 2]), ([0, 2, 1, 2], [1, 2])],
)
def test_what_is_no_ragged_set_array_is_refused(offsets, neurons):
    with pytest.raises(ConfigError):
        QuerySets(offsets=np.array(offsets), neurons=np.array(neurons))


def test_negative_members_and_labels_are_refused():
    with pytest.raises(ConfigError, match="count from 0"):
        Groups.from_lists([[0, -1]])
    with pytest.raises(ConfigError, match="count from 0"):
        Groups.by_label(np.array([0, -1]))
