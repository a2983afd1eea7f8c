"""What every statistic is, in one sentence each: the one place that tables, figures and pages take it from."""

from collections.abc import Mapping
from typing import Final

from harness.errors import ConfigError, near_matches

EXPLANATIONS: Final[Mapping[str, str]] = {
    # What a row is about
    "model": "The model that was tested.",
    "localizer": "The method that finds knowledge neurons: how attribution scores are computed and selected.",
    "threshold": "Where CS2 is cut: facts at or below it are inconsistent (K_II), facts above it consistent (K_I).",
    "source": "Measured in this run, printed in the paper, or recomputed from what the paper prints.",
    "facts": "Number of facts that the numbers rest on.",
    "relations": "Number of relations, the clusters of the intervals: facts of one relation are not independent.",
    # Consistency
    "cs1": "CS1 of a fact: knowledge neurons that all of its queries share, as a share of those of any (Eq. 1).",
    "cs2": "CS2 of a fact: knowledge neurons in more than one of its queries, as a share of those of any (Eq. 1).",
    "cut": "The value of CS2 at which the threshold cuts.",
    "r_consistent": "R:I, the share of facts that are consistent (K_I): their queries share knowledge neurons.",
    "s_consistent": "S:I, the mean CS2 of the consistent facts (K_I).",
    "r_inconsistent": "R:II, the share of facts that are inconsistent (K_II): their queries share few neurons.",
    "s_inconsistent": "S:II, the mean CS2 of the inconsistent facts (K_II).",
    "welch_t": "Welch's t between the CS2 of K_I and K_II; circular, because CS2 itself made the classes.",
    "welch_p": "Welch's p between the CS2 of K_I and K_II; circular, because CS2 itself made the classes.",
    "mean_cs2": "The mean CS2 of all facts, R:I times S:I plus R:II times S:II.",
    "share": "The share of K_II over seeded subsets of four queries a fact, which decides whether K_II is extensive.",
    "unanimous": "The share of facts that every localizer calls K_II.",
    "kappa": "How far localizers agree on K_II beyond what chance explains within relations: 1 is always, 0 is chance.",
    "ceiling": "Retest ceiling: the mean CS2 of one query localized again and again under harmless changes.",
    "floor": "Relation floor: the mean CS2 after queries were exchanged between facts of one relation and pattern.",
    "answer_floor": "Answer floor: as the relation floor, but exchanged only between facts with different objects.",
    # Edits
    "neurons": "Which neurons are edited: N_i of the query, N_g of all queries, or the consistency-aware ones.",
    "kind": "Erase removes a fact from the weights, update puts another object in its place.",
    "class": "K_I are consistent facts, K_II inconsistent ones.",
    "reliability": "Reliability: share of edits after which the edited query answers as the edit asks.",
    "generalization": "Generalization: the same for the other queries of the fact that the model knew.",
    "locality": "Locality: share of prompts about other facts whose answer stays what it was.",
    "average": "The mean of reliability, generalization and locality.",
    "perplexity_change": "Relative change of perplexity on passages of WikiText-2: what an edit costs elsewhere.",
    # Decisions
    "estimate": "The estimate of the claim's own quantity, with its 95 % interval over relations.",
    "margin": "What the interval is held against: the claim holds if it lies wholly on the claimed side.",
    "verdict": "SUPPORTED or REFUTED: the interval lies wholly on one side of the margin; INCONCLUSIVE: it does not.",
    "prevalence": "Whether more than the declared share of facts are inconsistent (K_II).",
    "replication": "Whether the paper's number comes out again: the interval against it plus and minus a margin.",
    "claim": "The claim that the row decides.",
    "p_value": "The p-value of the claim's own test.",
    # Sensitivity
    "t": "Knowledge neurons are those with an attribution score above t times the largest.",
    "mean_set_size": "Knowledge neurons of a query, on average.",
    "separation": "Whether K_I and K_II differ on queries that did not classify them, and are two kinds.",
    "quadrature": "How the path integral of the attribution is approximated: rule and number of steps.",
    "jaccard": "Mean Jaccard index of the knowledge neurons with those of the converged integral.",
    "identical": "Share of queries whose knowledge neurons are exactly those of the converged integral.",
    "completeness_gap": "What the approximation leaves out, relative to the answer probability; the median of queries.",
    "relative_operations": "Operations, those of the run's own quadrature being 1.",
    "seconds_a_query": "Seconds that localizing a query took; none where the store had it.",
    # Runs
    "number": "Number of the run in its store.",
    "name": "Name that the run was saved under.",
    "created": "When it was saved, in UTC.",
    "verdicts": "How many claim rows came to each verdict.",
    "smoke": "Why the run is not a result, if it is none.",
}


def explain(statistic: str) -> str:
    """What a statistic is, in one sentence.

    Raises:
        ConfigError: nobody explained it.
    """
    if statistic not in EXPLANATIONS:
        raise ConfigError(
            f"the statistic {statistic!r} has no explanation. {near_matches(statistic, EXPLANATIONS)}",
            setting="statistic",
            value=statistic,
        )
    return EXPLANATIONS[statistic]
