import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError

RULES = ["right", "left", "midpoint", "trapezoid", "gauss-legendre"]


@given(rule=st.sampled_from(RULES), steps=st.integers(2, 200))
def test_weights_sum_to_one_and_nodes_rise_within_the_interval(rule: str, steps: int) -> None:
    nodes, weights = Quadrature(rule=rule, steps=steps).nodes_and_weights()
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert nodes.min() >= 0
    assert nodes.max() <= 1
    assert (np.diff(nodes) > 0).all()


@pytest.mark.parametrize(
    ("rule", "nodes", "weights"),
    [
        ("right", [0.25, 0.5, 0.75, 1.0], [0.25] * 4),
        ("left", [0.0, 0.25, 0.5, 0.75], [0.25] * 4),
        ("midpoint", [0.125, 0.375, 0.625, 0.875], [0.25] * 4),
        ("trapezoid", [0.0, 1 / 3, 2 / 3, 1.0], [1 / 6, 1 / 3, 1 / 3, 1 / 6]),
        (
            "gauss-legendre",
            [0.0694318442, 0.3300094782, 0.6699905218, 0.9305681558],
            [0.1739274226, 0.3260725774, 0.3260725774, 0.1739274226],
        ),
    ],
)
def test_four_nodes_by_hand(rule: str, nodes: list[float], weights: list[float]) -> None:
    found_nodes, found_weights = Quadrature(rule=rule, steps=4).nodes_and_weights()
    np.testing.assert_allclose(found_nodes, nodes, atol=1e-9)
    np.testing.assert_allclose(found_weights, weights, atol=1e-9)


@pytest.mark.parametrize("degree", range(8))
def test_gauss_legendre_with_four_nodes_is_exact_up_to_degree_seven(degree: int) -> None:
    nodes, weights = Quadrature(rule="gauss-legendre", steps=4).nodes_and_weights()
    assert (weights * nodes**degree).sum() == pytest.approx(1 / (degree + 1), abs=1e-14)


@pytest.mark.parametrize("exhaustive", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_parse_reads_what_str_writes(rule: str, exhaustive: bool) -> None:
    quadrature = Quadrature(rule=rule, steps=7, exhaustive=exhaustive)
    assert Quadrature.parse(str(quadrature)) == quadrature


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("right:0", "at least 1 steps, got 0"),
        ("trapezoid:1", "at least 2 steps, got 1"),
        ("rihgt:20", "Did you mean right"),
        ("right", "written rule:steps"),
        ("right:20:exhaustve", "right:20:exhaustive, got 'right:20:exhaustve'"),
        ("right:20:", "written rule:steps"),
        ("right:many", "written rule:steps"),
    ],
)
def test_bad_rules_say_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Quadrature.parse(text)
