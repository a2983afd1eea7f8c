"""CS2 of a fact on two disjoint halves of its queries: what one half says can be held against the other.

A fact that is classified by a score and then measured by the same score is measured where chance has pushed it, so
classes always differ. On the other half chance is new, and only what belongs to the fact is left.

Halves are scored by pairs: the mean CS2 (Eq. 1) over all pairs of a half's queries, where CS2 = CS1 is the share of
the pair's neurons that both have. Its expectation does not depend on the number of queries, so facts with 4 queries and
with 20 are comparable, and every pair is counted once and used in all splits.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from harness.claims.evidence import Evidence
from harness.claims.scoring import DECIMALS
from harness.consistency import Groups, consistency_scores
from harness.statistics import spearman_brown

FEWEST_QUERIES: Final = 4
"""Queries that a fact needs: two a half."""


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """CS2 of facts with enough queries, by halves and by all pairs.

    Attributes:
        fact: the facts with a neuron in some pair, ascending.
        first: mean CS2 over the pairs of one half, one row a split; nan where no pair has a neuron.
        second: the same of the other half; a fact with an odd number of queries has one query more here.
        score: mean CS2 over all pairs.
        resolution: 1 / the median size of a pair's union, the step in which its CS2 moves; 0 if nothing is defined.
    """

    fact: Int[np.ndarray, " facts"]
    first: Float[np.ndarray, "splits facts"]
    second: Float[np.ndarray, "splits facts"]
    score: Float[np.ndarray, " facts"]
    resolution: float

    @property
    def measured(self) -> tuple[Float[np.ndarray, "twice_splits facts"], Float[np.ndarray, "twice_splits facts"]]:
        """Scores to classify by and scores to measure: each half classifies once and is measured once."""
        return np.concatenate([self.first, self.second]), np.concatenate([self.second, self.first])

    def reliability(self) -> float | None:
        """Spearman-Brown: 2 r / (1 + r) of the correlation r of halves, averaged over splits; None if nothing varies.

        The share of the variance of CS2 between facts that is no chance of the queries.
        """
        correlations: list[float] = []
        for first, second in zip(self.first, self.second, strict=True):
            both = np.isfinite(first) & np.isfinite(second)
            if both.sum() > 2 and np.ptp(first[both]) > 0 and np.ptp(second[both]) > 0:
                correlations.append(float(np.corrcoef(first[both], second[both])[0, 1]))
        if not correlations:
            return None
        return spearman_brown(float(np.mean(correlations)))


def split_halves(evidence: Evidence, splits: int, *, rng: np.random.Generator) -> Halves:
    """Splits the queries of every fact with `FEWEST_QUERIES` or more into halves, again and again.

    Args:
        evidence: the localizations.
        splits: how often.
        rng: draws the halves, those of every fact and split anew.
    """
    by_fact = Groups.by_label(evidence.fact_of_query)
    n_facts = len(by_fact)
    first, second = np.full((2, splits, n_facts), np.nan)
    score = np.full(n_facts, np.nan)
    unions = [np.empty(0)]
    for k in np.unique(by_fact.sizes[by_fact.sizes >= FEWEST_QUERIES]).tolist():
        of_this_k = np.flatnonzero(by_fact.sizes == k)
        left, right = np.triu_indices(k, 1)
        pairs, union = _pair_scores(evidence, by_fact, of_this_k, left, right)
        unions.append(union[union > 0])
        score[of_this_k] = _mean_of(pairs, np.ones(pairs.shape, dtype=bool))
        for split in range(splits):
            in_first = rng.random((len(of_this_k), k)).argsort(axis=1) < k // 2
            first[split, of_this_k] = _mean_of(pairs, in_first[:, left] & in_first[:, right])
            second[split, of_this_k] = _mean_of(pairs, ~in_first[:, left] & ~in_first[:, right])
    fact = np.flatnonzero(np.isfinite(score))
    union = np.concatenate(unions)
    return Halves(
        fact=fact,
        first=first[:, fact],
        second=second[:, fact],
        score=score[fact],
        resolution=float(1 / np.median(union)) if len(union) else 0.0,
    )


def alternating_halves(
    evidence: Evidence,
) -> tuple[Float[np.ndarray, " facts"], Float[np.ndarray, " facts"]]:
    """CS2 of every fact by two halves of its queries: the first, the third and so on, and the others.

    One split without random numbers: what a reader sees of the halves behind a reliability.

    Args:
        evidence: the localizations.

    Returns:
        Mean CS2 over the pairs of either half; nan for a fact with fewer than `FEWEST_QUERIES` scored queries, or
        without a neuron in any pair of that half.
    """
    by_fact = Groups.by_label(evidence.fact_of_query)
    first, second = np.full((2, evidence.n_facts), np.nan)
    for k in np.unique(by_fact.sizes[by_fact.sizes >= FEWEST_QUERIES]).tolist():
        of_this_k = np.flatnonzero(by_fact.sizes == k)
        left, right = np.triu_indices(k, 1)
        within = left % 2 == right % 2
        pairs = np.full((len(of_this_k), len(within)), np.nan)
        pairs[:, within], _ = _pair_scores(evidence, by_fact, of_this_k, left[within], right[within])
        for half, start in ((first, 0), (second, 1)):
            half[of_this_k] = _mean_of(pairs, (left % 2 == start)[None])
    return first, second


def _pair_scores(
    evidence: Evidence,
    by_fact: Groups,
    facts: Int[np.ndarray, " facts"],
    left: Int[np.ndarray, " pairs"],
    right: Int[np.ndarray, " pairs"],
) -> tuple[Float[np.ndarray, "facts pairs"], Int[np.ndarray, "facts pairs"]]:
    """CS2 and size of the union of pairs of each fact's queries, the `left`-th and the `right`-th; nan where empty."""
    places = by_fact.offsets[facts][:, None, None] + np.stack([left, right], axis=-1)
    members = by_fact.queries[places].ravel()
    scores = consistency_scores(evidence.sets, Groups(np.arange(0, len(members) + 1, 2), members))
    shape = (len(facts), len(left))
    return scores.cs2.reshape(shape), scores.union_size.reshape(shape)


def _mean_of(
    pairs: Float[np.ndarray, "facts pairs"], chosen: Bool[np.ndarray, "#facts pairs"]
) -> Float[np.ndarray, " facts"]:
    """Mean of the chosen pairs that have a score; nan if there is none."""
    used = chosen & np.isfinite(pairs)
    n = used.sum(axis=1)
    total = np.where(used, pairs, 0.0).sum(axis=1)
    return np.where(n > 0, np.round(total / np.maximum(n, 1), DECIMALS), np.nan)
