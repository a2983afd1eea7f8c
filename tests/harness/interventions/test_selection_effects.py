"""Changes of neurons and answer: by hand, and what has to hold for any activations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.interventions.selection_effects import QUANTITIES, changes, contrast

finite = st.floats(-5, 5, allow_subnormal=False).filter(lambda x: abs(x) > 1e-3)


def changed(
    own: list[int], before: list[float], after: list[list[float]], *, direction: list[int] | None = None
) -> dict[str, np.ndarray]:
    return changes(
        np.array(own),
        direction=np.array(direction or [1] * len(after)),
        neurons_before=np.array(before),
        neurons_after=np.array(after),
        log_p_before=np.log(0.2),
        log_p_after=np.log(np.full(len(after), 0.05)),
    )


def test_by_hand() -> None:
    found = changed([0, 1], [2.0, 4.0, 1.0, -1.0, 0.0], [[1.0, 2.0, 1.0, -1.0, 0.0]] * 2, direction=[-1, 1])
    assert set(found) == set(QUANTITIES)
    assert found["value"] == pytest.approx([0.5, -0.5])
    assert found["value_mean"] == pytest.approx([0.5, -0.5])
    assert found["prob"] == pytest.approx([0.75, -0.75])
    assert found["log_p"] == pytest.approx([np.log(4), -np.log(4)])
    spread = np.std([1, 1, 0])
    assert found["contrast"] == pytest.approx([1.5 / spread, -1.5 / spread])


def test_signs_of_activations_do_not_cancel_where_it_decides() -> None:
    found = changed([0, 1], [1.0, -1.02, 0.3, 0.1], [[0.0, 0.0, 0.3, 0.1]], direction=[-1])
    assert found["value"] == pytest.approx([1.0])
    assert np.isnan(found["value_mean"]).all()  # 0.02 of a mean against 2.02 of absolute values


def test_what_is_undefined_is_nan_and_nothing_else() -> None:
    found = changes(
        np.array([0]),
        direction=np.array([1]),
        neurons_before=np.zeros(3),
        neurons_after=np.ones((1, 3)),
        log_p_before=-30.0,
        log_p_after=np.array([-29.0]),
    )
    assert {name for name, values in found.items() if np.isnan(values).all()} == {
        "value",
        "value_mean",
        "prob",
        "contrast",
    }
    assert found["log_p"] == pytest.approx([1.0])


@given(
    before=st.lists(finite, min_size=4, max_size=12),
    after=st.lists(finite, min_size=12, max_size=12),
    size=st.integers(1, 3),
)
def test_for_any_activations(before: list[float], after: list[float], size: int) -> None:
    own, n = list(range(size)), len(before)
    silent = [0.0] * size + before[size:]
    opposite = [-x for x in before]
    found = changed(own, before, [before, silent, [2 * x for x in before], opposite, after[:n]])
    assert found["value"][:4] == pytest.approx([0, -1, 1, -2])
    if np.std(np.abs(before[size:])) > 1e-3:
        assert found["contrast"][0] == pytest.approx(0, abs=1e-9)
    absolute = [abs(x) for x in before]
    same_sign = changed(own, absolute, [after[:n]])
    assert same_sign["value"] == pytest.approx(same_sign["value_mean"])


def test_contrast_does_not_hang_on_the_scale_and_falls_where_neurons_join_the_others() -> None:
    rng = np.random.default_rng(0)
    neurons = rng.normal(size=(1, 50))
    neurons[0, :3] = 9
    assert contrast(neurons, np.arange(3)) == pytest.approx(contrast(4 * neurons, np.arange(3)))
    like_others = neurons.copy()
    like_others[0, :3] = 0.7
    assert contrast(like_others, np.arange(3))[0] < 1 < contrast(neurons, np.arange(3))[0]


def test_no_contrast_without_others() -> None:
    assert np.isnan(contrast(np.ones((2, 3)), np.arange(3))).all()
