"""Claims of section 2.2: inconsistent facts cannot be edited where one query is localized, nor cheaply anywhere."""

from typing import Any

from harness.claims.comparison import Comparison, Facts
from harness.claims.edits import (
    COST,
    COST_MARGIN,
    DOING,
    GLOBAL,
    LOCAL,
    SCORE_MARGIN,
    better,
    lower_in_inconsistent,
    printed,
    quantity,
)
from harness.claims.effect_claim import EffectClaim
from harness.consistency import Threshold


def local_edits(
    *, threshold: Threshold, kind: str = "erase", margin: float = SCORE_MARGIN, **common: Any
) -> EffectClaim:
    """Editing N_i does worse in K_II than in K_I, in generalization and on average (finding 1).

    Args:
        threshold: cuts K_I from K_II.
        kind: `erase` or `update`.
        margin: of generalization. The average need only be worse: two of its three parts may be alike.
        common: what all claims share.
    """
    return EffectClaim(
        name=f"local_edits_{kind}",
        says=f"In K_II, {DOING[kind]} the neurons of one query (N_i) generalizes worse than in K_I, and does worse on"
        " average",
        marker="modification",
        reads="editing",
        comparisons=(
            lower_in_inconsistent(LOCAL, kind, "gen"),
            lower_in_inconsistent(LOCAL, kind, "avg", margin=0.0),
            *printed(kind, ("gen", "avg"), (LOCAL,)),
        ),
        threshold=threshold,
        margin=margin,
        **common,
    )


def global_edits(
    *, threshold: Threshold, kind: str = "erase", margin: float = SCORE_MARGIN, **common: Any
) -> EffectClaim:
    """In K_II, editing N_g generalizes better than editing N_i (finding 2); arguments as above."""
    return EffectClaim(
        name=f"global_edits_{kind}",
        says=f"In K_II, {DOING[kind]} the neurons of all queries (N_g) generalizes better than those of one (N_i)",
        marker="modification",
        reads="editing",
        comparisons=(better(GLOBAL, LOCAL, kind, "gen"), *printed(kind, ("gen", "avg"), (GLOBAL,))),
        threshold=threshold,
        margin=margin,
        **common,
    )


def global_cost(
    *, threshold: Threshold, kind: str = "erase", margin: float = COST_MARGIN, **common: Any
) -> EffectClaim:
    """In K_II, editing N_g costs perplexity, and more than in K_I (finding 2); arguments as above."""
    cost = quantity(GLOBAL, kind, COST)
    doing = f"{DOING[kind]} N_g, Δ log PPL"
    return EffectClaim(
        name=f"global_cost_{kind}",
        says=f"In K_II, {DOING[kind]} the neurons of all queries (N_g) costs perplexity, and more than in K_I",
        marker="modification",
        reads="editing",
        comparisons=(
            Comparison(label=doing, first=cost, facts=Facts.INCONSISTENT),
            Comparison(label=doing, first=cost, facts=Facts.DIFFERENCE),
            *printed(kind, ("ppl",), (LOCAL, GLOBAL)),
        ),
        threshold=threshold,
        margin=margin,
        **common,
    )
