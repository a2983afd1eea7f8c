"""Claims of section 3.3: neurons chosen by consistency (CAS, Eq. 7) edit inconsistent facts better, at less cost."""

from typing import Any, Final

from harness.claims.comparison import Facts
from harness.claims.edits import CAS, COST, DOING, GLOBAL, LOCAL, MATCHED, SCORE_MARGIN, better, printed
from harness.claims.effect_claim import EffectClaim
from harness.consistency import Threshold

GENERALIZATION_MARGIN: Final = 0.1
"""Of "generalizes no worse than N_g". The paper prints differences of 0.04 to 0.20, two of six beyond this."""

COMPARABLE_COST: Final = 0.1
"""Of "costs no more than N_i": log PPL. The paper calls 0.20 against 0.09 comparable, which is 0.096."""


def cas_average(*, threshold: Threshold, kind: str = "erase", margin: float = 0.0, **common: Any) -> EffectClaim:
    """In K_II, CAS does better on average than N_i, also in the size of N_i (finding 1).

    Args:
        threshold: cuts K_I from K_II.
        kind: `erase` or `update`.
        margin: of the difference of averages.
        common: what all claims share.
    """
    return EffectClaim(
        name=f"cas_average_{kind}",
        says=f"In K_II, {DOING[kind]} consistency-aware neurons does better on average than those of one query (N_i),"
        " also where they are as many",
        marker="cas",
        reads="editing",
        comparisons=(
            better(CAS, LOCAL, kind, "avg"),
            better(MATCHED, LOCAL, kind, "avg"),
            *printed(kind, ("rel", "gen", "loc", "avg"), (CAS,)),
            *printed(kind, ("avg",), (MATCHED, LOCAL)),
        ),
        threshold=threshold,
        margin=margin,
        **common,
    )


def cas_balance(
    *, threshold: Threshold, kind: str = "erase", margin: float = -SCORE_MARGIN, **common: Any
) -> EffectClaim:
    """In K_II, CAS generalizes no worse than N_g and is close to it on average (finding 1); arguments as above.

    `margin` is of the averages, and negative: by so much CAS may be worse.
    """
    return EffectClaim(
        name=f"cas_balance_{kind}",
        says=f"In K_II, {DOING[kind]} consistency-aware neurons generalizes no worse than those of all queries (N_g),"
        f" by {GENERALIZATION_MARGIN:g}, and is close to them on average",
        marker="cas",
        reads="editing",
        comparisons=(
            better(CAS, GLOBAL, kind, "gen", margin=-GENERALIZATION_MARGIN),
            better(CAS, GLOBAL, kind, "avg"),
        ),
        threshold=threshold,
        margin=margin,
        **common,
    )


def cas_cost(*, threshold: Threshold, kind: str = "erase", margin: float = 0.0, **common: Any) -> EffectClaim:
    """In K_II, CAS costs less perplexity than N_g and hardly more than N_i (finding 1); arguments as above."""
    return EffectClaim(
        name=f"cas_cost_{kind}",
        says=f"In K_II, {DOING[kind]} consistency-aware neurons costs less perplexity than those of all queries (N_g),"
        f" and no more than those of one (N_i), by {COMPARABLE_COST:g} of log PPL",
        marker="cas",
        reads="editing",
        comparisons=(
            better(CAS, GLOBAL, kind, COST),
            better(CAS, LOCAL, kind, COST, margin=-COMPARABLE_COST),
            *printed(kind, ("ppl",), (LOCAL, GLOBAL, CAS)),
        ),
        threshold=threshold,
        margin=margin,
        **common,
    )


def cas_consistent(
    *, threshold: Threshold, kind: str = "erase", margin: float = -SCORE_MARGIN, **common: Any
) -> EffectClaim:
    """In K_I, CAS does as well on average as N_i and as N_g, and no better (finding 2); arguments as above.

    `margin` is negative: within it two averages are alike.
    """
    pairs = ((CAS, LOCAL), (LOCAL, CAS), (CAS, GLOBAL), (GLOBAL, CAS))
    return EffectClaim(
        name=f"cas_consistent_{kind}",
        says=f"In K_I, {DOING[kind]} consistency-aware neurons does on average what those of one query (N_i) and of all"
        " (N_g) do",
        marker="cas",
        reads="editing",
        comparisons=tuple(better(one, other, kind, "avg", facts=Facts.CONSISTENT) for one, other in pairs),
        threshold=threshold,
        margin=margin,
        **common,
    )
