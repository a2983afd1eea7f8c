"""How alike a fact's queries are: CS1 and CS2 of their neurons and the thresholds that cut them, the consistency-aware
score of a neuron, predominance of tokens (numpy only)."""

from harness.consistency.cas import BETA_GRID, AttributionMoments, Betas, CasScores, consistency_aware_scores
from harness.consistency.overlap import Overlap, overlap
from harness.consistency.predominance import Predominance, QueryAttention, predominance
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
    "Overlap",
    "Predominance",
    "QueryAttention",
    "QuerySets",
    "StaticThreshold",
    "SubsetPlan",
    "Threshold",
    "consistency_aware_scores",
    "consistency_scores",
    "cs1_cs2",
    "overlap",
    "parse_threshold",
    "predominance",
    "query_subsets",
]
