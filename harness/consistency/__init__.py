"""How alike a fact's queries are: CS1 and CS2 of their neurons and the thresholds that cut them, the consistency-aware
score of a neuron, predominance of tokens; and the sets that a query's neurons are compared with (numpy only)."""

from harness.consistency.cas import BETA_GRID, AttributionMoments, Betas, CasScores, consistency_aware_scores
from harness.consistency.neighbors import NEIGHBOR_RULES, layer_matched, neighbor_set, some_of
from harness.consistency.overlap import Overlap, overlap
from harness.consistency.predominance import Predominance, QueryAttention, predominance
from harness.consistency.scores import ConsistencyScores, consistency_scores, cs1_cs2
from harness.consistency.sets import Groups, QuerySets
from harness.consistency.subsets import SubsetPlan, query_subsets
from harness.consistency.thresholds import OtsuThreshold, StaticThreshold, Threshold, parse_threshold

__all__ = [
    "BETA_GRID",
    "NEIGHBOR_RULES",
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
    "layer_matched",
    "neighbor_set",
    "overlap",
    "parse_threshold",
    "predominance",
    "query_subsets",
    "some_of",
]
