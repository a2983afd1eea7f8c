"""Quadrature on [0, 1]: where an integral's integrand is evaluated, and how much each value counts."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float

from harness.errors import ConfigError, near_matches

_RULES = ("right", "left", "midpoint", "trapezoid", "gauss-legendre")
_EXHAUSTIVE = "exhaustive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quadrature:
    """A rule with `steps` nodes; its weights sum to 1.

    The default is the paper's: right Riemann sum, nodes k / m for k = 1 .. m, m = 20 (Eq. 10 and 17).

    Attributes:
        rule: `right`, `left`, `midpoint`, `trapezoid` (nodes at both ends, so at least 2) or `gauss-legendre`.
        steps: number of nodes m.
        exhaustive: evaluate every node on every path, also where fewer give the same sum to rounding.

    Raises:
        ConfigError: an unknown rule, or too few steps.
    """

    rule: str = "right"
    steps: int = 20
    exhaustive: bool = False

    def __post_init__(self) -> None:
        """Checks rule and steps."""
        if self.rule not in _RULES:
            raise ConfigError(
                f"no quadrature rule {self.rule!r}. {near_matches(self.rule, _RULES)}", setting="rule", value=self.rule
            )
        least = 2 if self.rule == "trapezoid" else 1
        if self.steps < least:
            raise ConfigError(
                f"the {self.rule} rule needs at least {least} steps, got {self.steps}; the paper takes 20",
                setting="steps",
                value=self.steps,
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `rule:steps`, such as `right:20` or `gauss-legendre:10`, and `right:20:exhaustive`."""
        rule, _, rest = text.partition(":")
        steps, colon, word = rest.partition(":")
        try:
            if colon and word != _EXHAUSTIVE:
                raise ValueError
            return cls(rule=rule, steps=int(steps), exhaustive=bool(colon))
        except ValueError:
            raise ConfigError(
                f"a quadrature is written rule:steps, such as right:20, or right:20:{_EXHAUSTIVE}, got {text!r}",
                setting="quadrature",
                value=text,
            ) from None

    def __str__(self) -> str:
        return f"{self.rule}:{self.steps}" + (f":{_EXHAUSTIVE}" if self.exhaustive else "")

    def alternative(self) -> "Quadrature":
        """Another rule for the same integral: ten Gauss-Legendre nodes, or the paper's rule where those are taken."""
        if self.rule == "gauss-legendre":
            return Quadrature()
        return Quadrature(rule="gauss-legendre", steps=10)

    def nodes_and_weights(self) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
        """Nodes in rising order and their weights, float64."""
        m = self.steps
        if self.rule == "gauss-legendre":
            nodes, weights = np.polynomial.legendre.leggauss(m)
            return (nodes + 1) / 2, weights / 2
        if self.rule == "trapezoid":
            weights = np.full(m, 1 / (m - 1))
            weights[[0, -1]] /= 2
            return np.linspace(0.0, 1.0, m), weights
        shift = {"right": 1.0, "left": 0.0, "midpoint": 0.5}[self.rule]
        return (np.arange(m) + shift) / m, np.full(m, 1 / m)
