"""Exact (binomial) inference where relations are the trials."""

from dataclasses import dataclass

import scipy.stats

from harness.errors import ConfigError
from harness.statistics.interval import Interval


@dataclass(frozen=True, slots=True)
class Trials:
    """A share of independent trials.

    Attributes:
        hits: successes.
        n: trials.
        interval: Clopper-Pearson, which covers the truth at least as often as its level says.
        level: of the interval.
    """

    hits: int
    n: int
    interval: Interval
    level: float

    @property
    def share(self) -> float:
        """hits / n."""
        return self.hits / self.n

    def p_above(self, null: float) -> float:
        """One-sided p of "the share is at most `null`": the binomial tail."""
        return float(scipy.stats.binom.sf(self.hits - 1, self.n, null))

    def fewest_hits_above(self, null: float) -> int | None:
        """How many hits would have put the whole interval above `null`; None if no number would."""
        for hits in range(self.n + 1):
            if binomial_trials(hits, self.n, level=self.level).interval.low > null:
                return hits
        return None


def binomial_trials(hits: int, n: int, *, level: float = 0.95) -> Trials:
    """A share with its Clopper-Pearson interval.

    Args:
        hits: successes.
        n: trials, at least one.
        level: of the interval.

    Raises:
        ConfigError: there is no trial, or more hits than trials.
    """
    if not 0 <= hits <= n or n < 1:
        raise ConfigError(f"{hits} hits of {n} trials are no share", setting="hits", value=hits)
    tail = (1 - level) / 2
    low = float(scipy.stats.beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(scipy.stats.beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return Trials(hits, n, Interval(low, high, "Clopper-Pearson with relations as trials"), level)
