import numpy as np
import pytest

from harness.statistics import has_other, replace_by_other

STRATA = np.array([7, 2, 7, 2, 7, 7, 2, 7])
LABELS = np.array([1, 5, 0, 5, 1, 1, 9, 4])


def test_every_possible_replacement_is_equally_likely():
    rng = np.random.default_rng(0)
    draws = np.array([replace_by_other(STRATA, LABELS, rng=rng) for _ in range(6000)])
    for query in range(8):
        possible = np.flatnonzero((STRATA[query] == STRATA) & (LABELS[query] != LABELS))
        seen, times = np.unique(draws[:, query], return_counts=True)
        assert seen.tolist() == possible.tolist()
        assert times == pytest.approx(6000 / len(possible), rel=0.1)


def test_where_there_is_no_other_label():
    assert has_other(STRATA, LABELS).all()
    assert has_other(np.array([0, 0, 1, 1]), np.array([3, 3, 3, 4])).tolist() == [False, False, True, True]
    assert has_other(np.array([], dtype=int), np.array([], dtype=int)).tolist() == []
