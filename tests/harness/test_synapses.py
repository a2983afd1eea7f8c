import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.synapses import SynapseSet

Triple = tuple[int, int, int]
lists = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 2)), max_size=15)


@given(lists, lists)
def test_algebra_is_that_of_sets(left: list[Triple], right: list[Triple]) -> None:
    a, b = SynapseSet(left), SynapseSet(right)
    for ours, plain in [
        (a | b, set(left) | set(right)),
        (a & b, set(left) & set(right)),
        (a - b, set(left) - set(right)),
    ]:
        assert isinstance(ours, SynapseSet)
        assert list(ours) == sorted(plain)
    assert (a <= b) == (set(left) <= set(right))
    assert (a == b) == (set(left) == set(right))
    assert a != b or hash(a) == hash(b)


@given(lists, lists)
def test_jaccard(left: list[Triple], right: list[Triple]) -> None:
    found = SynapseSet(left).jaccard(SynapseSet(right))
    either, both = set(left) | set(right), set(left) & set(right)
    assert found == (len(both) / len(either) if either else None)


@given(lists, st.integers(0, 6))
def test_within_drops_columns_beyond_a_query(items: list[Triple], tokens: int) -> None:
    kept = SynapseSet(items).within(tokens)
    assert list(kept) == sorted({item for item in items if item[0] < tokens})
    assert kept.n_columns <= tokens


@given(lists)
def test_columns_come_first_in_order_and_indices(items: list[Triple]) -> None:
    found = SynapseSet(items)
    assert [tuple(row) for row in found.indices().tolist()] == sorted(set(items))
    assert found.indices().shape == (len(found), 3)
    assert found.n_columns == max((column + 1 for column, _, _ in items), default=0)


@given(lists)
def test_share_on_the_first_position(items: list[Triple]) -> None:
    first = [item for item in set(items) if item[0] == 0]
    assert SynapseSet(items).first_position_share == (len(first) / len(set(items)) if items else None)


def test_synapses_count_from_zero() -> None:
    with pytest.raises(ConfigError, match="counts from 0"):
        SynapseSet([(0, 1, -1)])
