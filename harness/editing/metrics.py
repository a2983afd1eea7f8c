"""Reliability, generalization, locality and the change of perplexity, from answers before and after an edit.

    reliability     [top token after the edited query is the target]                                  Eq. 23
    generalization  the same over the known neighbor queries                                          Eq. 24
    locality        share of unrelated prompts whose top token is what it was                         Eq. 25
    average         mean of the three
    delta PPL       (PPL after - PPL before) / PPL before

The target of an update is the new object. The target of an erasure is the object itself, and there reliability and
generalization are turned, 1 - value, so that more is better everywhere; locality is not turned.

The probability variants (`_p`) put the probability of the target in place of the indicator, and in locality
1 - |p after - p before| of the token that was on top before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.editing.request import ERASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """How one prompt is answered under an edit.

    Attributes:
        hit: for a query, whether the top token is the target; for an unrelated prompt, whether it is what it was.
        probability: of the target, or of the token that was on top before the edit.
        probability_before: the same of the unmodified model.
    """

    hit: bool
    probability: float
    probability_before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """How all prompts of a case are answered under an edit.

    Attributes:
        kind: `erase` or `update`.
        edited: the edited query.
        neighbors: the known neighbor queries.
        other: prompts of other relations.
        same: prompts of the same relation.
        perplexity_before: of the case's passages, unmodified; None where it was not measured or is not finite.
        perplexity_after: the same under the edit.
    """

    kind: str
    edited: Reaction
    neighbors: Sequence[Reaction]
    other: Sequence[Reaction]
    same: Sequence[Reaction]
    perplexity_before: float | None
    perplexity_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditScores:
    """The metrics of one edit; None where there is nothing to score, never 0 and never nan.

    Attributes:
        reliability: 0 or 1.
        generalization: share of the known neighbor queries; None where there are none.
        locality: over the prompts of other relations and of the same one together.
        locality_other: over those of other relations.
        locality_same: over those of the same relation.
        average: of reliability, generalization and locality; None where one of them is.
        reliability_p: the probability variants, likewise.
        generalization_p: see above.
        locality_p: see above.
        average_p: see above.
        perplexity_before: of the unmodified model on the case's passages.
        perplexity_after: under the edit.
        delta_perplexity: relative change; None where one of the two is.
    """

    reliability: float
    generalization: float | None
    locality: float | None
    locality_other: float | None
    locality_same: float | None
    average: float | None
    reliability_p: float
    generalization_p: float | None
    locality_p: float | None
    average_p: float | None
    perplexity_before: float | None
    perplexity_after: float | None
    delta_perplexity: float | None


def score(reactions: Reactions) -> EditScores:
    """The metrics of one edit.

    References:
        Section 2.2 and Eq. 20 to 25 of the paper.
    """
    unrelated = [*reactions.other, *reactions.same]
    turn = _turned if reactions.kind == ERASE else _as_it_is
    hits = (
        turn(_hit(reactions.edited)),
        _mean([turn(_hit(r)) for r in reactions.neighbors]),
        _mean([_hit(r) for r in unrelated]),
    )
    soft = (
        turn(reactions.edited.probability),
        _mean([turn(r.probability) for r in reactions.neighbors]),
        _mean([1 - abs(r.probability - r.probability_before) for r in unrelated]),
    )
    before, after = reactions.perplexity_before, reactions.perplexity_after
    return EditScores(
        reliability=hits[0],
        generalization=hits[1],
        locality=hits[2],
        locality_other=_mean([_hit(r) for r in reactions.other]),
        locality_same=_mean([_hit(r) for r in reactions.same]),
        average=_average(*hits),
        reliability_p=soft[0],
        generalization_p=soft[1],
        locality_p=soft[2],
        average_p=_average(*soft),
        perplexity_before=before,
        perplexity_after=after,
        delta_perplexity=None if before is None or after is None else (after - before) / before,
    )


def _turned(value: float) -> float:
    """An erasure is good where the object does not come."""
    return 1 - value


def _as_it_is(value: float) -> float:
    return value


def _hit(reaction: Reaction) -> float:
    return float(reaction.hit)


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _average(*parts: float | None) -> float | None:
    known = [part for part in parts if part is not None]
    return _mean(known) if len(known) == len(parts) else None
