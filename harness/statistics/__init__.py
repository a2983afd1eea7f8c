"""Estimates with intervals that respect relations, and the tests beside them (numpy and scipy only)."""

from harness.statistics.agreement import RaterAgreement, agreement
from harness.statistics.bootstrap import StudentizedBootstrap, cluster_bootstrap, minimum_detectable
from harness.statistics.contrast import DIFFERENCE, Contrast, cluster_contrast
from harness.statistics.correlation import Correlation, cluster_correlation, spearman_brown
from harness.statistics.curve import Curve, share_curve
from harness.statistics.interval import Interval, t_interval
from harness.statistics.kinds import Kinds, kinds_test
from harness.statistics.permutation import exchange_within, p_at_least
from harness.statistics.replacement import has_other, replace_by_other
from harness.statistics.shares import ShareEstimate, SplitRule, share_at_or_below, weighted_shares
from harness.statistics.trend import mean_slope, page_p, slope_weights
from harness.statistics.trials import Trials, binomial_trials
from harness.statistics.welch import Welch, welch_test

__all__ = [
    "DIFFERENCE",
    "Contrast",
    "Correlation",
    "Curve",
    "Interval",
    "Kinds",
    "RaterAgreement",
    "ShareEstimate",
    "SplitRule",
    "StudentizedBootstrap",
    "Trials",
    "Welch",
    "agreement",
    "binomial_trials",
    "cluster_bootstrap",
    "cluster_contrast",
    "cluster_correlation",
    "exchange_within",
    "has_other",
    "kinds_test",
    "mean_slope",
    "minimum_detectable",
    "p_at_least",
    "page_p",
    "replace_by_other",
    "share_at_or_below",
    "share_curve",
    "slope_weights",
    "spearman_brown",
    "t_interval",
    "weighted_shares",
    "welch_test",
]
