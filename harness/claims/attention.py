"""Claims of section 3.2: attention goes to the same tokens, and its synapses select the knowledge neurons.

All numbers are counted in the claimed direction: decreases where synapses are suppressed, increases where they are
enhanced; `average` is the mean of both, as in Figure 6. `value` is the change of knowledge neurons' activation, `log_p`
that of the answer's log probability.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from harness.claims.comparison import Comparison, Facts
from harness.claims.effect_claim import EffectClaim

CHANGE_MARGIN: Final = 0.1
"""A change of activation or of probability by less than 10 % is no difference."""

SHARE_MARGIN: Final = 0.05
"""Nor is a twentieth of a fact's queries, or of a standard deviation of neurons."""

_FACTORS: Final = {"suppress": "suppressing", "enhance": "enhancing", "average": "suppressing and enhancing"}
_CHANGES: Final = {
    "value": ("value", "value_mean", "the activation of knowledge neurons"),
    "answer": ("log_p", "prob", "the answer's log probability"),
}
"""Name of the claims -> what decides, what the paper prints, and what it is."""

_WORDS: Final = {"value": "change of value", "value_mean": "ΔValue", "log_p": "Δ log p", "prob": "ΔProb"}
_SETS: Final = {"self": "S", "irrelevant": "S_ir", "random": "random synapses"}


def _change(quantity: str, factor: str, first: str, second: str | None = None, **more: object) -> Comparison:
    """One set, or one set against another."""
    against = "" if second is None else f" minus {_SETS[second]}"
    return Comparison(
        alike=True,
        label=f"{_FACTORS[factor]} {_SETS[first]}{against}, {_WORDS[quantity]}",
        first=f"{quantity}_{factor}_{first}",
        second=None if second is None else f"{quantity}_{factor}_{second}",
        **more,  # pyright: ignore[reportArgumentType]
    )


def _readings(quantity: str, factor: str) -> tuple[Comparison, ...]:
    """S against S_ir under either reading, whichever carries the verdict."""
    return tuple(
        Comparison(
            alike=True,
            label=f"{_FACTORS[factor]} S {words} minus its S_ir, {_WORDS[quantity]}",
            first=f"{quantity}_{factor}_self_{reading}",
            second=f"{quantity}_{factor}_irrelevant_{reading}",
            decides=False,
        )
        for reading, words in (("printed", "as printed"), ("without_first", "without the first position"))
    )


def _selection(change: str, factor: str) -> Callable[..., EffectClaim]:
    """Scaling S changes something in the claimed direction, more than S_ir and more than random synapses do."""
    decides, printed, what = _CHANGES[change]
    direction = {"suppress": "lowers", "enhance": "raises", "average": "lowers and raises"}[factor]
    as_printed = tuple(
        _change(printed, factor, which, facts=facts, decides=False)
        for facts in (Facts.CONSISTENT, Facts.INCONSISTENT)
        for which in _SETS
    )
    return partial(
        EffectClaim,
        margin=CHANGE_MARGIN,
        name=f"selection_{change}_{factor}",
        says=f"{_FACTORS[factor].capitalize()} a query's knowledge synapses {direction} {what}, more than doing so to"
        " those of an irrelevant query or to random ones",
        marker="attention",
        reads="attention",
        comparisons=(
            _change(decides, factor, "self"),
            _change(decides, factor, "self", "irrelevant"),
            _change(decides, factor, "self", "random"),
            *_readings(decides, factor),
            *as_printed,
        ),
    )


def _by_class(change: str, factor: str) -> Callable[..., EffectClaim]:
    """Scaling S changes more for inconsistent facts than for consistent ones."""
    decides, printed, what = _CHANGES[change]
    return partial(
        EffectClaim,
        margin=CHANGE_MARGIN,
        name=f"reliance_{change}_{factor}",
        says=f"K_II relies more on attention than K_I: {_FACTORS[factor]} knowledge synapses changes {what} more",
        marker="attention",
        reads="attention",
        comparisons=(
            _change(decides, factor, "self", facts=Facts.DIFFERENCE),
            _change(decides, factor, "self", facts=Facts.CONSISTENT, decides=False),
            _change(decides, factor, "self", facts=Facts.INCONSISTENT, decides=False),
            _change(printed, factor, "self", facts=Facts.DIFFERENCE, decides=False),
        ),
    )


def _predominance(reading: str, words: str, **more: object) -> Comparison:
    return Comparison(
        alike=True,
        label=f"P minus P under shuffled positions, {words}",
        first=f"predominance_{reading}",
        second=f"shuffled_{reading}",
        **more,  # pyright: ignore[reportArgumentType]
    )


_PREDOMINANCE: Final = partial(
    EffectClaim,
    margin=SHARE_MARGIN,
    name="predominance",
    says="Attention goes to the same token in a fact's queries more than under shuffled positions",
    marker="attention",
    reads="attention",
    comparisons=(
        _predominance("column", "columns without the first position"),
        _predominance("column", "columns without the first position", facts=Facts.CONSISTENT, decides=False),
        _predominance("column", "columns without the first position", facts=Facts.INCONSISTENT, decides=False),
        _predominance("raw_column", "all columns", decides=False),
        _predominance("row", "rows as printed, which is degenerate", decides=False),
    ),
)

_CONTRAST: Final = partial(
    EffectClaim,
    margin=SHARE_MARGIN,
    name="contrast",
    says="Suppressing a query's knowledge synapses makes its knowledge neurons stand out less from the others, more"
    " than suppressing random ones does",
    marker="attention",
    reads="attention",
    comparisons=(
        Comparison(alike=True, label="suppressing S, fall of contrast", first="contrast_suppress_self"),
        Comparison(
            alike=True,
            label="suppressing S minus random synapses, fall of contrast",
            first="contrast_suppress_self",
            second="contrast_suppress_random",
        ),
        Comparison(
            alike=True,
            label="suppressing S minus S_ir, fall of contrast",
            first="contrast_suppress_self",
            second="contrast_suppress_irrelevant",
            decides=False,
        ),
        Comparison(alike=True, label="contrast of the unmodified run", first="contrast", decides=False),
    ),
)

ATTENTION_CLAIMS: Final[Mapping[str, Callable[..., EffectClaim]]] = {
    "predominance": _PREDOMINANCE,
    **{f"selection_{change}_{factor}": _selection(change, factor) for change in _CHANGES for factor in _FACTORS},
    **{f"reliance_{change}_{factor}": _by_class(change, factor) for change in _CHANGES for factor in _FACTORS},
    "contrast": _CONTRAST,
}
"""Every claim about attention, by name, as it is built from a threshold and a procedure."""
