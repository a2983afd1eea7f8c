"""How results depend on how knowledge neurons are selected and on the quadrature."""

import json
from dataclasses import dataclass

from harness.records.record import SCHEMA_VERSION, Record
from harness.records.run import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRow(Record):
    """What a model and localizer come to where knowledge neurons are those above t times the largest score.

    Attributes:
        t: the fraction.
        mean_set_size: knowledge neurons of a query, on average.
        share_inconsistent: share of facts that are K_II; None if no fact has a score.
        ci_low: lower end of its 95 % interval.
        ci_high: upper end.
        cut: CS2 at or below which a fact is K_II.
        mean_cs2: mean CS2 of the facts.
        ceiling: mean CS2 of one query localized again and again.
        floor: mean CS2 after queries were exchanged between facts.
        n_facts: facts that the share rests on.
        n_relations: their relations.
        prevalence: verdict of that claim.
        prevalence_reason: why.
        separation: verdict of that claim.
        separation_reason: why.
    """

    t: float
    mean_set_size: float
    share_inconsistent: float | None
    ci_low: float | None
    ci_high: float | None
    cut: float | None
    mean_cs2: float | None
    ceiling: float | None
    floor: float | None
    n_facts: int
    n_relations: int
    prevalence: str
    prevalence_reason: str
    separation: str
    separation_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadratureRow(Record):
    """What a sample of queries comes to under one quadrature.

    Attributes:
        quadrature: rule and steps.
        n_queries: queries of the sample.
        jaccard: mean Jaccard index of their knowledge neurons with the converged ones.
        identical: share of queries whose knowledge neurons are the converged ones.
        completeness_gap: median of what the quadrature leaves out, relative to the answer probability.
        n_facts: facts of the sample with four queries and a score.
        mean_cs2: their mean CS2.
        share_inconsistent: share of them that are K_II.
        seconds_a_query: of localizing; None where the store had all rows.
        relative_operations: operations, those of the session's quadrature being 1; None where the localizer does not
            tell.
    """

    quadrature: str
    n_queries: int
    jaccard: float | None
    identical: float | None
    completeness_gap: float | None
    n_facts: int
    mean_cs2: float | None
    share_inconsistent: float | None
    seconds_a_query: float | None
    relative_operations: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRecord(Record):
    """How results of one model and localizer depend on settings that nobody can call right or wrong.

    Attributes:
        manifest: where the numbers come from.
        model: id of the model.
        localizer: id of the localizer.
        threshold: id of the threshold between K_I and K_II.
        margin: what the interval of the share of K_II is held against.
        selected: t of the session.
        selection: one row a fraction t, rising.
        converged: the quadrature that others are compared with.
        quadratures: one row a quadrature; empty where the localizer integrates nothing.
    """

    manifest: Manifest
    model: str
    localizer: str
    threshold: str
    margin: float
    selected: float
    selection: tuple[SelectionRow, ...]
    converged: str
    quadratures: tuple[QuadratureRow, ...]
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Everything as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
