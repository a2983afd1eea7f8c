"""Numbers that stand beside the share of inconsistent facts: they inform its reader and decide nothing."""

from typing import Final

import numpy as np

from harness.claims.evidence import Evidence
from harness.claims.scoring import FactScores, all_query_scores
from harness.claims.verdict import number
from harness.consistency import Threshold
from harness.statistics import ShareEstimate, minimum_detectable, share_at_or_below, share_curve, welch_test

CURVE_CUTS: Final = np.arange(20) / 20
"""Static thresholds that the share is shown at."""


def paper_statistic(evidence: Evidence, threshold: Threshold) -> dict[str, object]:
    """The paper's own row: shares and mean CS2 of both classes on all queries, and Welch's test between them.

    Facts with k >= 2 and a neuron. The test compares classes that were cut by the score it tests, so it never decides.

    References:
        Table 1 (R:I, S:I, R:II, S:II, t, p).
    """
    _, cs2 = all_query_scores(evidence, evidence.queries_of_fact >= 2)
    names = ("r_consistent", "s_consistent", "r_inconsistent", "s_inconsistent", "welch_t", "welch_p", "cut")
    row: dict[str, object] = {**dict.fromkeys(names), "n_facts": len(cs2)}
    if len(cs2) == 0:
        return row
    cut = threshold.cut(cs2)
    consistent = cs2 > cut
    row["cut"] = number(cut)
    for name, chosen in (("consistent", consistent), ("inconsistent", ~consistent)):
        row[f"r_{name}"] = float(chosen.mean())
        row[f"s_{name}"] = float(cs2[chosen].mean()) if chosen.any() else None
    welch = welch_test(cs2[consistent], cs2[~consistent])
    if welch is not None:
        row["welch_t"], row["welch_p"] = number(welch.t), number(welch.p)
    return row


def few_queries(evidence: Evidence, size: int, cut: float | None) -> dict[str, object]:
    """Facts with too few queries for a subset, apart: how many, and the share at or below the cut on all they have.

    Args:
        evidence: the localizations.
        size: queries that a subset takes.
        cut: the cut of the facts that have enough, None if there is none.
    """
    k = evidence.queries_of_fact
    _, cs2 = all_query_scores(evidence, (k >= 2) & (k < size))
    share = None if cut is None or len(cs2) == 0 else float((cs2 <= cut).mean())
    return {"n_facts": int((k < size).sum()), "n_scored": len(cs2), "share": share}


def known_share(
    scores: FactScores, evidence: Evidence, cut: float, *, draws: int, rng: np.random.Generator
) -> dict[str, object]:
    """The share among facts that the model knows, with its interval, at the cut of all facts."""
    known = evidence.known_fact[scores.fact]
    if not known.any():
        return {"estimate": None, "ci_low": None, "ci_high": None, "n_facts": 0}
    relation = evidence.relation_of_fact[scores.fact[known]]
    share = share_at_or_below(scores.cs2[known], relation, cut, draws=draws, rng=rng)
    return {
        "estimate": share.estimate,
        "ci_low": number(share.bootstrap.low),
        "ci_high": number(share.bootstrap.high),
        "n_facts": share.n,
    }


def by_relation(scores: FactScores, evidence: Evidence, cut: float) -> dict[str, object]:
    """Facts, share at or below the cut, and mean CS2 of each relation that has a scored fact."""
    relation = evidence.relation_of_fact[scores.fact]
    rows: dict[str, object] = {}
    for index in np.unique(relation).tolist():
        cs2 = scores.cs2[relation == index]
        rows[evidence.relation_names[index]] = {
            "n_facts": len(cs2),
            "share": float((cs2 <= cut).mean()),
            "mean_cs2": float(cs2.mean()),
        }
    return rows


def threshold_curve(
    scores: FactScores, evidence: Evidence, *, draws: int, rng: np.random.Generator
) -> dict[str, object]:
    """Share of facts at or below each of `CURVE_CUTS`, with a band that holds the whole curve at once (95 %)."""
    curve = share_curve(scores.cs2, evidence.relation_of_fact[scores.fact], CURVE_CUTS, draws=draws, rng=rng)
    return {name: getattr(curve, name).tolist() for name in ("cuts", "shares", "low", "high")}


def detectable(share: ShareEstimate) -> float | None:
    """The smallest distance from the margin that could have been seen, at most 1; None for one relation.

    Where the share has no standard error, because all relations agree, a quarter of its interval's width stands in.
    """
    se = share.se or (share.bootstrap.high - share.bootstrap.low) / 4
    smallest = minimum_detectable(se, share.n_clusters)
    return None if smallest is None else min(smallest, 1.0)
