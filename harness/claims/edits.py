"""What claims about knowledge modification share: the names of measured quantities, and which way is better."""

from typing import Final

from harness.claims.comparison import Comparison, Facts
from harness.consistency.cas import Betas

KINDS: Final = ("erase", "update")
"""Both edits; every claim is decided for each."""

LOCAL: Final = "kn-local"
GLOBAL: Final = "kn-global"
CAS: Final = "kn-cas"
MATCHED: Final = "kn-cas-matched"
HELD_OUT: Final = "kn-cas-held-out"
"""CAS under the betas that edit other relations best: no editor, but chosen among `of_betas`."""

COST: Final = "cost"
"""log(PPL after / PPL before): unlike delta PPL it has a mean where single edits break the model."""

SCORE_MARGIN: Final = 0.05
"""Of generalization, and of averages that are to be alike: the twentieth that `replication` counts as no difference."""

COST_MARGIN: Final = 0.05
"""Of `COST`: a perplexity that rises by less than 5 % has not risen."""

SETS: Final = {
    **{LOCAL: "N_i", GLOBAL: "N_g", CAS: "CAS", MATCHED: "CAS in the size of N_i"},
    HELD_OUT: "CAS with betas of other relations",
}
_DIFFERENCE: Final = (-1.0, 1.0)
_UNBOUNDED: Final = (-float("inf"), float("inf"))
_WORDS: Final = {"gen": "Gen", "avg": "Avg", "loc": "Loc", "rel": "Rel", "ppl": "ΔPPL", COST: "Δ log PPL"}
DOING: Final = {"erase": "erasing", "update": "updating"}
"""Both edits as sentences say them."""


def quantity(editor: str, kind: str, metric: str) -> str:
    """Name of a quantity: `kn-local erase gen`. With a minus in front it is turned, so that less is more."""
    return f"{editor} {kind} {metric}"


def of_betas(betas: Betas) -> str:
    """Name of CAS under a pair of betas, as an editor's."""
    return f"{CAS}-{betas.name}"


def turned(name: str) -> str:
    """Name of a quantity with its sign changed."""
    return f"-{name}"


def lower_in_inconsistent(editor: str, kind: str, metric: str, margin: float | None = None) -> Comparison:
    """A score of K_I minus that of K_II."""
    return Comparison(
        label=f"{DOING[kind]} {SETS[editor]}, {_WORDS[metric]} of K_I minus that of K_II",
        first=turned(quantity(editor, kind, metric)),
        facts=Facts.DIFFERENCE,
        margin=margin,
        bounds=(-1.0, 0.0),
    )


def better(
    editor: str, other: str, kind: str, metric: str, *, facts: Facts = Facts.INCONSISTENT, margin: float | None = None
) -> Comparison:
    """One editor against another, turned so that above 0 the first is better; a negative margin is non-inferiority."""
    first, second = (other, editor) if metric == COST else (editor, other)
    return Comparison(
        label=f"{DOING[kind]}, {_WORDS[metric]} of {SETS[first]} minus that of {SETS[second]}",
        first=quantity(first, kind, metric),
        second=quantity(second, kind, metric),
        facts=facts,
        margin=margin,
        bounds=_UNBOUNDED if metric == COST else _DIFFERENCE,
    )


def printed(kind: str, metrics: tuple[str, ...], editors: tuple[str, ...]) -> tuple[Comparison, ...]:
    """What Tables 2 and 3 print of these editors; decides nothing."""
    return tuple(
        Comparison(
            label=f"{DOING[kind]} {SETS[editor]}, {_WORDS[metric]}",
            first=quantity(editor, kind, metric),
            facts=facts,
            decides=False,
        )
        for editor in editors
        for metric in metrics
        for facts in (Facts.CONSISTENT, Facts.INCONSISTENT)
    )
