import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import ConfigError
from harness.localizers.selection import STORED_FRACTION, Selection, keep_largest

MAPS = arrays(np.float32, (3, 5), elements=st.floats(-1, 1, width=32))


@given(scores=MAPS, t=st.floats(0.06, 0.99))
def test_selecting_from_what_is_stored_is_selecting_from_the_whole_map(scores: np.ndarray, t: float) -> None:
    kept = keep_largest(scores)
    flat = scores.ravel()
    expected = [] if not flat.max() > 0 else np.flatnonzero(flat > np.float32(t) * flat.max()).tolist()
    assert Selection(t=t).select(kept.neurons, kept.scores, kept.max_score).tolist() == expected


@pytest.mark.parametrize("largest", [0.0, -0.5])
def test_a_map_without_a_positive_score_has_no_knowledge_neurons(largest: float) -> None:
    kept = keep_largest(np.full((2, 3), largest, dtype=np.float32))
    assert kept.max_score == largest
    assert len(kept.neurons) == 0
    assert len(Selection().select(kept.neurons, kept.scores, kept.max_score)) == 0


def test_the_bound_itself_is_not_above_the_bound() -> None:
    kept = keep_largest(np.array([[1.0, 0.25, 0.2500001]], dtype=np.float32))
    assert Selection(t=0.25).select(kept.neurons, kept.scores, kept.max_score).tolist() == [0, 2]


@pytest.mark.parametrize("t", [0.0, STORED_FRACTION, 1.0, -1.0])
def test_t_outside_its_range(t: float) -> None:
    with pytest.raises(ConfigError, match=r"t lies between 0\.05"):
        Selection(t=t)
