"""How alike a fact's queries are: CS1 and CS2 of their neurons, thresholds, predominance of tokens (numpy only)."""

from harness.consistency.predominance import Predominance, QueryAttention, predominance
from harness.consistency.scores import ConsistencyScores, consistency_scores, cs1_cs2
from harness.consistency.sets import Groups, QuerySets
from harness.consistency.subsets import SubsetPlan, query_subsets
from harness.consistency.thresholds import OtsuThreshold, StaticThreshold, Threshold, parse_threshold

__all__ = [
    "ConsistencyScores",
    "Groups",
    "OtsuThreshold",
    "Predominance",
    "QueryAttention",
    "QuerySets",
    "StaticThreshold",
    "SubsetPlan",
    "Threshold",
    "consistency_scores",
    "cs1_cs2",
    "parse_threshold",
    "predominance",
    "query_subsets",
]
