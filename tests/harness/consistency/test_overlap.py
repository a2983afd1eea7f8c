import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.consistency import QuerySets, overlap
from harness.errors import ConfigError

SETS = st.frozensets(st.integers(0, 6), max_size=5)


@given(pairs=st.lists(st.tuples(SETS, SETS), max_size=8))
def test_is_the_jaccard_index_of_every_pair_written_out(pairs: list[tuple[frozenset[int], frozenset[int]]]) -> None:
    found = overlap(QuerySets.from_lists(a for a, _ in pairs), QuerySets.from_lists(b for _, b in pairs))
    each = [len(a & b) / len(a | b) for a, b in pairs if a | b]
    assert found.n_queries == len(pairs)
    assert found.undefined == len(pairs) - len(each)
    assert found.jaccard == (pytest.approx(sum(each) / len(each)) if each else None)
    assert found.identical == (pytest.approx(sum(a == b for a, b in pairs) / len(pairs)) if pairs else None)


def test_sets_of_other_queries_are_refused() -> None:
    with pytest.raises(ConfigError, match="there must be as many: 2 and 1"):
        overlap(QuerySets.from_lists([[1], [2]]), QuerySets.from_lists([[1]]))
