"""How the page says verdicts and numbers."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Self

from harness.records import ClaimRow
from reports.explanations import EXPLANATIONS
from reports.html.markup import Markup, element

_VERDICTS: Final = {
    "SUPPORTED": ("✓", "supported", "supports {}"),
    "REFUTED": ("✗", "refuted", "refutes {}"),
    "INCONCLUSIVE": ("~", "inconclusive", "leaves {} open"),
    "NOT_APPLICABLE": ("–", "not applicable", "could not ask {}"),
    "VOID": ("!", "void", "says nothing about {}, because a control failed,"),
}
VERDICTS: Final = tuple(_VERDICTS)
"""In the order in which they are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainClaim:
    """A claim in words that need no paper at hand.

    Attributes:
        plain: the claim as a sentence.
        unit: what its estimate counts.
    """

    plain: str
    unit: str

    @classmethod
    def of(cls, row: ClaimRow) -> Self:
        """The words for a row's claim; claims of others speak through their statement."""
        return cls(**_claims_in_words().get(row.claim, {"plain": row.statement, "unit": "estimate"}))


@cache
def _claims_in_words() -> dict[str, dict[str, str]]:
    return json.loads(files("reports.html").joinpath("assets/claims.json").read_text(encoding="utf-8"))


@cache
def _names_in_records() -> dict[str, str]:
    return json.loads(files("reports.html").joinpath("assets/record.json").read_text(encoding="utf-8"))


def explanation_of(name: str) -> str:
    """What a field of a row or of its extras is, in a sentence; empty where nobody explained it."""
    return _names_in_records().get(name) or EXPLANATIONS.get(name, "")


def badge(verdict: str, count: int | None = None) -> Markup:
    """A verdict with its sign, so that colour is never all that tells it; with a count before it if there is one."""
    sign, word, _ = _VERDICTS.get(verdict, ("?", verdict.lower(), ""))
    text = word if count is None else f"{count} {word}"
    return element("span", element("span", sign, aria_hidden="true"), " ", text, class_="badge", data_verdict=verdict)


def says(verdict: str, claim: str) -> str:
    """What a run does to a claim: a verb with its object, such as "leaves it open"."""
    return _VERDICTS[verdict][2].format(claim) if verdict in _VERDICTS else f"says {verdict} to {claim}"


def short(value: float) -> str:
    """A number with three digits, as a reader writes it."""
    if 0 < abs(value) < 1e-12:
        return "≈0"
    if 0 < abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def span(low: float, high: float) -> str:
    """From the one number to the other, or the one if they look alike."""
    return short(low) if short(low) == short(high) else f"{short(low)} to {short(high)}"
