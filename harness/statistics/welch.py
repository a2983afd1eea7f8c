"""Welch's t-test, as the paper prints it for consistent against inconsistent facts."""

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float


@dataclass(frozen=True, slots=True)
class Welch:
    """Result of Welch's t-test.

    Attributes:
        t: the statistic, positive if the first mean is the larger.
        p: two-sided; 0.0 when it underflows, which is printed as < 1e-300.
    """

    t: float
    p: float


def welch_test(first: Float[np.ndarray, " first"], second: Float[np.ndarray, " second"]) -> Welch | None:
    """Welch's t = (mean1 - mean2) / sqrt(s1^2 / n1 + s2^2 / n2).

    Between groups that were cut by the very score that is tested the difference is there by construction, so there it
    describes and never decides.

    Returns:
        t and p, or None if a group has fewer than two values or neither varies.
    """
    if min(len(first), len(second)) < 2 or (np.ptp(first) == 0 and np.ptp(second) == 0):
        return None
    # From moments: ttest_ind on the values warns of a constant group, which is ordinary here.
    moments = [(float(x.mean()), float(x.std(ddof=1)), len(x)) for x in (first, second)]
    t, p = scipy.stats.ttest_ind_from_stats(*moments[0], *moments[1], equal_var=False)
    return Welch(float(t), float(p))
