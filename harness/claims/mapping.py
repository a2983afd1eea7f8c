"""Claims of section 3.1: knowledge neurons belong to the query rather than to the fact (query-KN mapping)."""

from collections.abc import Iterator
from typing import Any, Final

from harness.claims.comparison import Comparison, Facts
from harness.claims.effect_claim import EffectClaim
from harness.consistency import Threshold
from harness.consistency.compared import OWN, RANDOM, own_beside, whole
from harness.consistency.neighbors import NEIGHBOR_RULES

DIRECTIONS: Final = ("suppress", "enhance")
"""What is done to neurons: times 0, times 2."""

MARGIN: Final = 0.05
"""Of delta log p: what changes the answer's probability by less than 5 % is no difference."""

_ALWAYS: Final = "union"
"""The neighbor set that no fact lacks whose queries have neurons; without it there is nothing to decide."""

_DOING: Final = {"suppress": "suppressing", "enhance": "enhancing"}
_CONTEXTS: Final = {False: "the query", True: "the query behind a prefix"}


def effect(direction: str, name: str, *, held_out: bool = False) -> str:
    """Name of a quantity: mean change of log p over a fact's queries, turned so that more is more of the wanted effect.

    Args:
        direction: one of `DIRECTIONS`.
        name: of the set that is scaled, one of `COMPARED`.
        held_out: whether behind a prefix that selection never saw.
    """
    return f"{direction}_{name}{'_held_out' if held_out else ''}"


def rate(direction: str, name: str, kind: str = "mean") -> str:
    """Name of a quantity: mean or median over a fact's queries of the rate of change of p, turned likewise."""
    return f"rate_{kind}_{direction}_{name}"


def own_over_neighbors(*, threshold: Threshold, direction: str = "suppress", **common: Any) -> EffectClaim:
    """In K_II a query's own neurons do more than its neighbors', whichever neighbor set (finding 2).

    Args:
        threshold: cuts K_I from K_II.
        direction: one of `DIRECTIONS`.
        common: procedure and margin.
    """
    printed = tuple(
        Comparison(
            label=f"rate of change of p, {_DOING[direction]} {name}",
            first=rate(direction, name),
            facts=facts,
            decides=False,
        )
        for facts in (Facts.CONSISTENT, Facts.INCONSISTENT)
        for name in (OWN, *map(whole, NEIGHBOR_RULES), RANDOM)
    )
    return _claim(
        f"own_over_neighbors_{direction}",
        f"In K_II, {_DOING[direction]} a query's own neurons does more to its answer's log probability than as many of"
        " its neighbors', whether their union, intersection or refined set",
        (*_against_neighbors(direction, Facts.INCONSISTENT), *printed),
        threshold,
        common,
    )


def larger_drop(*, threshold: Threshold, direction: str = "suppress", **common: Any) -> EffectClaim:
    """From own to neighbor neurons the effect drops more in K_II than in K_I (finding 2); arguments as above."""
    return _claim(
        f"larger_drop_{direction}",
        f"From {_DOING[direction]} a query's own neurons to {_DOING[direction]} as many of its neighbors', the effect"
        " on its answer's log probability drops more in K_II than in K_I",
        tuple(_against_neighbors(direction, Facts.DIFFERENCE)),
        threshold,
        common,
    )


def consistent_drop(*, threshold: Threshold, direction: str = "suppress", **common: Any) -> EffectClaim:
    """In K_I, too, the effect drops from own to neighbor neurons (finding 3); arguments as above."""
    return _claim(
        f"consistent_drop_{direction}",
        f"In K_I, too, {_DOING[direction]} a query's own neurons does more to its answer's log probability than as many"
        " of its neighbors'",
        tuple(_against_neighbors(direction, Facts.CONSISTENT)),
        threshold,
        common,
    )


def own_over_random(*, threshold: Threshold, direction: str = "suppress", **common: Any) -> EffectClaim:
    """A query's own neurons do more than random ones of the same layers, in K_I and in K_II (finding 1)."""
    comparisons = tuple(
        Comparison(
            label=f"{_DOING[direction]} own minus random, {context}",
            first=effect(direction, OWN, held_out=held_out),
            second=effect(direction, RANDOM, held_out=held_out),
            facts=facts,
            where_enough=facts is not Facts.ALL,
        )
        for held_out, context in _CONTEXTS.items()
        for facts in (Facts.ALL, Facts.CONSISTENT, Facts.INCONSISTENT)
    )
    return _claim(
        f"own_over_random_{direction}",
        f"In K_I as in K_II, {_DOING[direction]} a query's own neurons does more to its answer's log probability than"
        " random neurons of the same layers",
        comparisons,
        threshold,
        common,
    )


def _against_neighbors(direction: str, facts: Facts) -> Iterator[Comparison]:
    """Own minus neighbor neurons of equal number, for every neighbor set, plain and behind the prefix.

    Consistent facts with an intersection as large as the own set are those whose queries share all they have: a drop is
    excluded by how they were chosen. So there the intersection stands beside.
    """
    for held_out, context in _CONTEXTS.items():
        for rule in NEIGHBOR_RULES:
            yield Comparison(
                label=f"{_DOING[direction]} own minus {rule}, {context}",
                first=effect(direction, own_beside(rule), held_out=held_out),
                second=effect(direction, rule, held_out=held_out),
                facts=facts,
                decides=rule != "intersection" or facts is Facts.INCONSISTENT,
                where_enough=rule != _ALWAYS,
            )


def _claim(
    name: str, says: str, comparisons: tuple[Comparison, ...], threshold: Threshold, common: dict[str, Any]
) -> EffectClaim:
    settings: dict[str, Any] = {"margin": MARGIN, **common}
    return EffectClaim(
        name=name,
        says=says,
        marker="mapping",
        reads="mapping",
        comparisons=comparisons,
        threshold=threshold,
        **settings,
    )
