"""What one claim comes to in one cell."""

from dataclasses import dataclass, field
from typing import Any

from harness.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow(Record):
    """What one claim comes to on one model, localizer and threshold.

    Attributes:
        claim: name of the claim.
        statement: the claim as one sentence.
        marker: the pytest marker of its family.
        model: id of the model.
        localizer: id of the localizer.
        threshold: id of the threshold between K_I and K_II, such as `static:0.1`.
        verdict: SUPPORTED, REFUTED, INCONCLUSIVE, NOT_APPLICABLE or VOID.
        reason: why, in a sentence or two.
        expected: the verdict that a built-in model carries for this row, or None.
        estimate: the estimand's estimate.
        ci_low: lower end of the 95 % interval.
        ci_high: its upper end.
        margin: what the interval was held against.
        p_value: of the claim's test, if it has one.
        p_adjusted: the same adjusted for multiplicity, if it was.
        n_facts: facts that the estimate rests on.
        n_queries: queries that it rests on.
        n_relations: relations, the clusters of the interval.
        n_unscored: facts left out because they had no score.
        paper_value: what the paper printed for this model and data, if anything.
        extras: everything else worth knowing, by name.
    """

    claim: str
    statement: str
    marker: str
    model: str
    localizer: str
    threshold: str | None
    verdict: str
    reason: str
    expected: str | None = None
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    margin: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    n_facts: int = 0
    n_queries: int = 0
    n_relations: int = 0
    n_unscored: int = 0
    paper_value: float | None = None
    extras: dict[str, Any] = field(default_factory=dict)
