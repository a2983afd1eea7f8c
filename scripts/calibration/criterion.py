"""When a rule or an interval is rejected: only where 99 % bounds on what was counted leave no doubt."""

from functools import cache
from typing import Final, NamedTuple

import scipy.special

FEWEST_COVERED: Final = 0.92
SELDOM: Final = 0.2
MOST_COVERED: Final = 0.98
LEAST_POWER: Final = 0.9
ENOUGH_RELATIONS: Final = 24


class Proportion(NamedTuple):
    """How often something was counted in so many draws."""

    hits: int
    draws: int

    @property
    def value(self) -> float:
        """hits / draws."""
        return self.hits / self.draws

    @property
    def error(self) -> float:
        """Monte-Carlo standard error, of a share that is at least one draw away from 0 and 1."""
        near = min(max(self.hits, 1), max(self.draws - 1, 1)) / self.draws
        return (near * (1 - near) / self.draws) ** 0.5

    @property
    def bounds(self) -> tuple[float, float]:
        """Both one-sided 99 % bounds, by Clopper and Pearson."""
        return _clopper_pearson(self.hits, self.draws - self.hits)


@cache
def _clopper_pearson(hits: int, misses: int) -> tuple[float, float]:
    low = float(scipy.special.betaincinv(hits, misses + 1, 0.01)) if hits else 0.0
    high = float(scipy.special.betaincinv(hits + 1, misses, 0.99)) if misses else 1.0
    return low, high


def most_errors(relations: int) -> float:
    """The error that a rule may have with so many relations."""
    return 0.05 if relations >= ENOUGH_RELATIONS else 0.07


def errs(counted: Proportion, relations: int) -> bool:
    """Whether a rule errs more often than it may, beyond doubt."""
    return counted.bounds[0] > most_errors(relations)


def is_blind(counted: Proportion) -> bool:
    """Whether a rule sees less often than 90 %, beyond doubt."""
    return counted.bounds[1] < LEAST_POWER


def covers_too_seldom(counted: Proportion) -> bool:
    """Whether an interval covers less often than 92 %, beyond doubt."""
    return counted.bounds[1] < FEWEST_COVERED


def seldom_made(covering: Proportion, populations: int) -> bool:
    """Whether an interval is made in so few of the populations that they are unusual ones."""
    return covering.draws < SELDOM * populations


def misses_too_often(covering: Proportion, populations: int, relations: int) -> bool:
    """Whether an interval fails, beyond doubt.

    An interval that is made only where a gate lets it is judged by the populations where it is made. If they are few,
    the gate has picked them for being unusual, and no interval knows of that; then it is judged as a verdict is, by how
    often in all populations it is made and misses.

    Args:
        covering: how often it covers, of the populations where it is made.
        populations: all of them.
        relations: relations of each.
    """
    if seldom_made(covering, populations):
        return errs(Proportion(covering.draws - covering.hits, populations), relations)
    return covers_too_seldom(covering)


def covers_too_often(counted: Proportion) -> bool:
    """Whether an interval covers more often than 98 %, beyond doubt: it is cautious and costs power."""
    return counted.bounds[0] > MOST_COVERED
