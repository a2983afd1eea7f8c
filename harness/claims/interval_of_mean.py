"""The interval of a mean of measured effects, also where the bootstrap over relations breaks down.

Effects can be the same number in nearly all facts: where every neuron falls silent, each changes by exactly its own
activation. Then one or two relations carry all the spread, draws without them have a standard error of nothing, their
t* is as good as infinite, and bootstrap-t returns an interval that holds everything. Nothing in such an interval comes
from the effects; Student's t on the same standard error takes its place. It sees as little as the bootstrap of what
relations would show that are rare and far out, and are not there.
"""

from typing import Final

import numpy as np
import scipy.stats

from harness.statistics import Interval, StudentizedBootstrap

BROKEN_DOWN: Final = 10.0
"""A bootstrap-t interval that is so many times as wide as Student's says nothing but that draws had no spread."""

STUDENT: Final = "Student's t over relations: too few of them differ for a bootstrap"


def interval_of(bootstrap: StudentizedBootstrap, level: float = 0.95) -> Interval:
    """Bootstrap-t; Student's t with G - 1 degrees of freedom where that has broken down."""
    found, other = bootstrap.interval(level), _student(bootstrap, level)
    return other if _broken_down(found, other) else found


def p_above(bootstrap: StudentizedBootstrap, margin: float) -> float | None:
    """One-sided p of "the parameter is at most `margin`", by the method of the interval; None without spread."""
    if not _broken_down(bootstrap.interval(), _student(bootstrap, 0.95)):
        return bootstrap.p_above(margin)
    if bootstrap.n_clusters < 2 or bootstrap.se == 0:
        return None
    return float(scipy.stats.t.sf((bootstrap.estimate - margin) / bootstrap.se, bootstrap.n_clusters - 1))


def _student(bootstrap: StudentizedBootstrap, level: float) -> Interval:
    if bootstrap.n_clusters < 2:
        return Interval(-np.inf, np.inf, STUDENT)
    half = float(scipy.stats.t.ppf((1 + level) / 2, bootstrap.n_clusters - 1)) * bootstrap.se
    return Interval(bootstrap.estimate - half, bootstrap.estimate + half, STUDENT)


def _broken_down(found: Interval, student: Interval) -> bool:
    width = found.high - found.low
    return not np.isfinite(width) or width > BROKEN_DOWN * (student.high - student.low) > 0
