"""One comparison of measured effects: a mean over facts that is held against a margin, and how its interval is made."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from jaxtyping import Float

from harness.claims.effects import Effects
from harness.claims.interval_of_mean import interval_of, p_above
from harness.statistics import Interval, StudentizedBootstrap

_UNBOUNDED: Final = (-np.inf, np.inf)


class Facts(StrEnum):
    """Whose mean is taken."""

    ALL = "all"
    CONSISTENT = "K_I"
    INCONSISTENT = "K_II"
    DIFFERENCE = "K_II - K_I"
    """The mean of the inconsistent facts minus that of the consistent ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is estimated: the mean over facts of `first - second`, paired by fact.

    Support lies above the margin; a negative one asks for "not worse by more than that".

    Attributes:
        label: what is compared, in words that stand before a number: "suppressing self minus the union, delta log p".
        first: a quantity of `Effects`.
        second: another, or None to take `first` alone.
        facts: whose mean.
        margin: held against the interval; None for the claim's.
        decides: whether the claim hangs on it; else it stands in the row only.
        alike: whether the number may be the same in nearly all facts, so that Student's interval takes the place of the
            bootstrap's where that breaks down.
        where_enough: whether the claim goes on without it where too few facts have both numbers.
        bounds: range of the difference of a fact. Where all relations agree, an interval takes it.
    """

    label: str
    first: str
    second: str | None = None
    facts: Facts = Facts.ALL
    margin: float | None = None
    decides: bool = True
    where_enough: bool = False
    alike: bool = False
    bounds: tuple[float, float] = _UNBOUNDED

    def interval(self, bootstrap: StudentizedBootstrap) -> Interval:
        """The 95 % interval of the mean."""
        return interval_of(bootstrap) if self.alike else bootstrap.interval()

    def p_above(self, bootstrap: StudentizedBootstrap, margin: float) -> float | None:
        """One-sided p of "the mean is at most `margin`", by the method of the interval."""
        return p_above(bootstrap, margin) if self.alike else bootstrap.p_above(margin)

    def values(self, effects: Effects) -> Float[np.ndarray, " facts"]:
        """The difference of every fact; nan where one of its numbers is missing.

        Raises:
            ConfigError: a quantity was not measured.
        """
        first = effects.quantity(self.first)
        return first if self.second is None else first - effects.quantity(self.second)

    def absent(self, effects: Effects) -> str | None:
        """Why there are no numbers for it, if there are none."""
        return effects.absent.get(self.first) or effects.absent.get(self.second or "")
