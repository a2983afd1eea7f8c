"""What a finding is in a record."""

from harness.claims import Finding
from harness.claims.claim import Statement
from harness.records import ClaimRow


def claim_row(
    claim: Statement, finding: Finding, *, model: str, localizer: str, threshold: str | None, expected: str | None
) -> ClaimRow:
    """The row of a claim that was decided.

    Args:
        claim: the claim.
        finding: what was decided.
        model: name of the model, of several with `+` between them.
        localizer: name of the localizer, of several likewise.
        threshold: name of the threshold, None where there is none.
        expected: the verdict that a built-in model carries, None for any other.
    """
    return ClaimRow(
        claim=claim.name,
        statement=claim.statement,
        marker=claim.marker,
        model=model,
        localizer=localizer,
        threshold=threshold,
        verdict=str(finding.verdict),
        reason=finding.reason,
        expected=expected,
        estimate=finding.estimate,
        ci_low=finding.ci_low,
        ci_high=finding.ci_high,
        margin=finding.margin,
        p_value=finding.p_value,
        n_facts=finding.n_facts,
        n_queries=finding.n_queries,
        n_relations=finding.n_relations,
        n_unscored=finding.n_unscored,
        paper_value=finding.paper_value,
        extras=finding.extras,
    )
