"""Consistency of the knowledge neurons of a fact's queries: CS1, CS2, the thresholds that cut
them, and the consistency-aware score (numpy only)."""

from harness.consistency.cas import BETA_GRID, AttributionMoments, Betas, CasScores, consistency_aware_scores
from harness.consistency.scores import ConsistencyScores, consistency_scores, cs1_cs2
from harness.consistency.sets import Groups, QuerySets
from harness.consistency.subsets import SubsetPlan, query_subsets
from harness.consistency.thresholds import OtsuThreshold, StaticThreshold, Threshold, parse_threshold

__all__ = [
    "BETA_GRID",
    "AttributionMoments",
    "Betas",
    "CasScores",
    "ConsistencyScores",
    "Groups",
    "OtsuThreshold",
    "QuerySets",
    "StaticThreshold",
    "SubsetPlan",
    "Threshold",
    "consistency_aware_scores",
    "consistency_scores",
    "cs1_cs2",
    "parse_threshold",
    "query_subsets",
]
