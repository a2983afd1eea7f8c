"""Estimates with intervals that respect relations, and the tests beside them (numpy and scipy only)."""

from harness.statistics.bootstrap import StudentizedBootstrap, cluster_bootstrap, minimum_detectable
from harness.statistics.interval import Interval, t_interval
from harness.statistics.modes import ModesTest, one_mode_test
from harness.statistics.permutation import exchange_within, p_at_least
from harness.statistics.shares import ShareEstimate, SplitRule, share_at_or_below
from harness.statistics.welch import Welch, welch_test

__all__ = [
    "Interval",
    "ModesTest",
    "ShareEstimate",
    "SplitRule",
    "StudentizedBootstrap",
    "Welch",
    "cluster_bootstrap",
    "exchange_within",
    "minimum_detectable",
    "one_mode_test",
    "p_at_least",
    "share_at_or_below",
    "t_interval",
    "welch_test",
]
