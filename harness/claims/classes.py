"""Whether K_I and K_II both hold enough facts for a contrast, and which cut would give them."""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

FEWEST_FACTS: Final = 20
"""Facts that each class needs."""

FEWEST_RELATIONS: Final = 5
"""Relations that the facts of each class must come from."""


def cuts_with_both_classes(
    values: Float[np.ndarray, " facts"], relation: Int[np.ndarray, " facts"]
) -> tuple[float, float] | None:
    """The cuts that leave enough facts on both sides: from the first number on, below the second.

    Args:
        values: one score a fact.
        relation: the relation of each.

    Returns:
        both ends, or None if no cut leaves enough on both sides.
    """
    names, cluster = np.unique(relation, return_inverse=True)
    if len(values) < 2 * FEWEST_FACTS or len(names) < FEWEST_RELATIONS:
        return None
    ordered = np.sort(values)
    least, most = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    np.minimum.at(least, cluster, values)
    np.maximum.at(most, cluster, values)
    low = max(ordered[FEWEST_FACTS - 1], np.sort(least)[FEWEST_RELATIONS - 1])
    high = min(ordered[-FEWEST_FACTS], np.sort(most)[-FEWEST_RELATIONS])
    return (float(low), float(high)) if low < high else None


def both_classes(values: Float[np.ndarray, " facts"], relation: Int[np.ndarray, " facts"], cut: float) -> bool:
    """Whether at least `FEWEST_FACTS` facts of `FEWEST_RELATIONS` relations lie on either side of the cut."""
    cuts = cuts_with_both_classes(values, relation)
    return cuts is not None and cuts[0] <= cut < cuts[1]


def how_to_get_both(values: Float[np.ndarray, " facts"], relation: Int[np.ndarray, " facts"], cut: float) -> str:
    """How many facts lie on either side of the cut, and which threshold would leave enough."""
    above = values > cut
    found = (
        f"At a cut of {cut:.3g} there are {int(above.sum())} consistent facts (K_I) of"
        f" {len(np.unique(relation[above]))} relations and {int((~above).sum())} inconsistent ones (K_II) of"
        f" {len(np.unique(relation[~above]))}; a contrast needs {FEWEST_FACTS} facts of {FEWEST_RELATIONS} relations"
        " in both."
    )
    cuts = cuts_with_both_classes(values, relation)
    if cuts is None:
        return f"{found} No threshold gives them; give more facts and relations."
    low, high = cuts
    return (
        f"{found} Any cut from {low:.4g} up to below {high:.4g} gives them: --threshold static:{(low + high) / 2:.3g}."
    )
