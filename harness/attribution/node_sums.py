"""A sum over the many nodes of a path, and how a few nodes stand for them.

A quadrature's sum over m nodes is itself an integral, with respect to a measure of m points; so it has Gauss rules of
its own. The one of n nodes that takes both ends of the path among them (Gauss-Lobatto) gives exactly the m-node sum of
every polynomial of degree 2 n - 3. On a smooth path that is the sum to rounding, at n / m of the work. Whether the path
is that smooth is seen at the same nodes: the integrand's coefficients along the highest orthonormal polynomials that n
nodes can tell apart (null rules, Berntsen and Espelid 1991) are small only if it is, and a step anywhere on the path
shows in them. See docs/adr/0005-few-nodes.md.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from harness.attribution.quadrature import Quadrature

FEW = 6
"""Nodes of the rule: fewer are trusted less often, more cost more."""

_NULL_RULES = 2  # of an even or an odd function the highest coefficient is zero; of the highest two one is not


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeSum:
    """Nodes on [0, 1] and weighted sums over them.

    Attributes:
        nodes: where the integrand is evaluated, rising. Where a path is evaluated first, its start is among them, for
            the answer's probability is wanted there too.
        weights: of the sum that is wanted; they sum to 1.
        null_rules: weights of sums that vanish for what `weights` surely sums right, and are of the integrand's own
            size where it is rough; none where every node of the quadrature is evaluated: nothing is in doubt then.
    """

    nodes: Float[np.ndarray, " nodes"]
    weights: Float[np.ndarray, " nodes"]
    null_rules: Float[np.ndarray, "rules nodes"]

    @property
    def n_before_end(self) -> int:
        """How many nodes lie before the end of the path: at 1, where all paths of a query meet."""
        return int((self.nodes < 1).sum())

    @property
    def coefficients(self) -> Float[np.ndarray, "sums nodes"]:
        """Of all sums: the wanted one first, then the null rules."""
        return np.vstack([self.weights, self.null_rules])


def every_node(quadrature: Quadrature, *, start: bool) -> NodeSum:
    """The quadrature's sum as it is written.

    Args:
        quadrature: the rule.
        start: whether the start of the path, counted 0 times, is put in front of the nodes where it is none.
    """
    nodes, weights = quadrature.nodes_and_weights()
    if start and nodes[0] > 0:
        nodes, weights = np.concatenate([[0.0], nodes]), np.concatenate([[0.0], weights])
    return NodeSum(nodes=nodes, weights=weights, null_rules=np.empty((0, len(nodes))))


@cache
def first_nodes(quadrature: Quadrature, *, smooth: bool) -> NodeSum:
    """Where its sum is evaluated first: at few nodes, or at every one where that saves too little or is not wanted.

    Args:
        quadrature: the rule.
        smooth: whether the model is a smooth function of its neurons; a kink's error does not shrink as fast as its
            trace in the null rules does, so otherwise every node is evaluated.
    """
    if quadrature.exhaustive or not smooth or quadrature.steps < 2 * FEW:
        return every_node(quadrature, start=True)
    return lobatto_rule(*quadrature.nodes_and_weights(), FEW)


def lobatto_rule(points: Float[np.ndarray, " points"], masses: Float[np.ndarray, " points"], n_nodes: int) -> NodeSum:
    """The Gauss-Lobatto rule of a sum over points in [0, 1]: its first node is 0, its last the last point.

    Stieltjes' recurrence gives the Jacobi matrix of the points; Golub (1973) says how its last entries change so that
    two of its eigenvalues are the ends.

    Args:
        points: where the sum's terms are, rising.
        masses: their weights, positive, summing to 1.
        n_nodes: nodes of the rule, fewer than points.
    """
    diagonal, beside = np.zeros(n_nodes), np.zeros(n_nodes)
    below, polynomial = np.zeros_like(points), np.ones_like(points)
    for degree in range(n_nodes - 1):
        diagonal[degree] = (masses * points * polynomial**2).sum()
        following = (points - diagonal[degree]) * polynomial - beside[degree - 1] * below
        beside[degree] = np.sqrt((masses * following**2).sum())
        below, polynomial = polynomial, following / beside[degree]
    inner = np.diag(diagonal[:-1]) + np.diag(beside[: n_nodes - 2], 1) + np.diag(beside[: n_nodes - 2], -1)
    last = np.eye(n_nodes - 1)[-1]
    ends = np.array([0.0, points[-1]])
    left, right = (np.linalg.solve(inner - end * np.eye(n_nodes - 1), last)[-1] for end in ends)
    entry, squared = np.linalg.solve([[1.0, -left], [1.0, -right]], ends)
    diagonal[-1], beside[n_nodes - 2] = entry, np.sqrt(squared)
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    nodes[[0, -1]] = ends  # not a rounding away from them
    # A column of eigenvectors is proportional to the orthonormal polynomials, degree by degree, at its node.
    polynomials = vectors / vectors[0]
    weights = vectors[0] ** 2
    return NodeSum(nodes=nodes, weights=weights, null_rules=(weights * polynomials)[-_NULL_RULES:])
