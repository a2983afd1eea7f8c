"""Few nodes in place of many: what they sum exactly, and what their null rules see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.attribution.node_sums import FEW, every_node, first_nodes, lobatto_rule
from harness.attribution.quadrature import Quadrature

SUMS = ["right", "left", "midpoint", "trapezoid"]


@given(
    rule=st.sampled_from(SUMS),
    steps=st.integers(12, 60),
    n_nodes=st.integers(4, 9),
    coefficients=st.lists(st.floats(-1, 1), min_size=1, max_size=16),
)
def test_sums_polynomials_as_the_whole_sum_does(rule: str, steps: int, n_nodes: int, coefficients: list[float]) -> None:
    """Up to degree 2 n - 3, written in Chebyshev's polynomials so that none is negligible."""
    points, masses = Quadrature(rule=rule, steps=steps).nodes_and_weights()
    few = lobatto_rule(points, masses, n_nodes)
    polynomial = np.polynomial.Chebyshev(coefficients[: 2 * n_nodes - 2], domain=[0, 1])
    assert (few.weights * polynomial(few.nodes)).sum() == pytest.approx((masses * polynomial(points)).sum(), abs=1e-11)


@given(rule=st.sampled_from(SUMS), steps=st.integers(12, 60), n_nodes=st.integers(4, 9))
def test_holds_the_start_and_the_last_point_and_lies_between_them(rule: str, steps: int, n_nodes: int) -> None:
    points, masses = Quadrature(rule=rule, steps=steps).nodes_and_weights()
    few = lobatto_rule(points, masses, n_nodes)
    assert few.nodes[0] == 0
    assert few.nodes[-1] == pytest.approx(points[-1], abs=1e-12)
    assert (np.diff(few.nodes) > 0).all()
    assert (few.weights > 0).all()
    assert few.weights.sum() == pytest.approx(1, abs=1e-12)


def test_is_the_gauss_lobatto_rule_of_an_integral_where_the_points_are_many() -> None:
    """Four nodes on [-1, 1]: -1, -1/sqrt(5), 1/sqrt(5), 1 with weights 1/6, 5/6, 5/6, 1/6, from any table."""
    few = lobatto_rule(*Quadrature(rule="trapezoid", steps=20_001).nodes_and_weights(), 4)
    np.testing.assert_allclose(2 * few.nodes - 1, [-1, -(5**-0.5), 5**-0.5, 1], atol=1e-7)
    np.testing.assert_allclose(2 * few.weights, [1 / 6, 5 / 6, 5 / 6, 1 / 6], atol=1e-4)


@pytest.mark.parametrize("rule", SUMS)
def test_null_rules_vanish_on_what_is_smooth_enough(rule: str) -> None:
    few = first_nodes(Quadrature(rule=rule, steps=20), smooth=True)
    for degree in range(FEW - len(few.null_rules)):
        assert np.abs(few.null_rules @ few.nodes**degree).max() < 1e-12
    next_degree = FEW - len(few.null_rules)
    shifted = np.polynomial.Legendre.basis(next_degree, domain=[0, 1])
    assert np.abs(few.null_rules @ shifted(few.nodes)).max() > 0.1


@pytest.mark.parametrize("steps", [20, 50])
@pytest.mark.parametrize("rule", SUMS)
def test_a_step_anywhere_between_the_ends_is_seen(rule: str, steps: int) -> None:
    few = first_nodes(Quadrature(rule=rule, steps=steps), smooth=True)
    for place in np.linspace(few.nodes[0], few.nodes[-1], 500, endpoint=False):
        assert np.abs(few.null_rules @ (few.nodes > place)).max() > 0.065


@pytest.mark.parametrize(
    ("text", "smooth", "nodes"),
    [
        ("right:20", True, FEW),
        ("right:20", False, 21),
        ("right:20:exhaustive", True, 21),
        ("left:20:exhaustive", True, 20),
        ("right:12", True, FEW),
        ("right:11", True, 12),
        ("gauss-legendre:10", True, 11),
        ("gauss-legendre:30", True, FEW),
    ],
)
def test_where_a_sum_is_evaluated_first(text: str, smooth: bool, nodes: int) -> None:
    quadrature = Quadrature.parse(text)
    first = first_nodes(quadrature, smooth=smooth)
    assert len(first.nodes) == nodes
    assert first.nodes[0] == 0
    if nodes != FEW:
        every, (nodes_of_rule, weights) = every_node(quadrature, start=True), quadrature.nodes_and_weights()
        np.testing.assert_array_equal(first.nodes, every.nodes)
        np.testing.assert_array_equal(every.nodes[-quadrature.steps :], nodes_of_rule)
        np.testing.assert_array_equal(every.weights[-quadrature.steps :], weights)
        assert every.weights[: -quadrature.steps].sum() == 0
        assert len(first.null_rules) == 0
