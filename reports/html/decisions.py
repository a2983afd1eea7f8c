"""What was decided and why: every row of the record with its reason, its controls and everything else it holds."""

from typing import Any, Final, cast

from harness.records import ClaimRow
from reports.html.hints import Hints
from reports.html.laid_open import laid_open
from reports.html.markup import Child, Markup, element, join
from reports.html.words import badge

_NUMBERS: Final = ("estimate", "ci_low", "ci_high", "margin", "p_value", "p_adjusted", "paper_value")
_COUNTS: Final = ("n_facts", "n_queries", "n_relations", "n_unscored")


def decision_section(rows: tuple[ClaimRow, ...], hints: Hints) -> Markup:
    """A row after the other, each opens where it is clicked."""
    return join(_decision(row, hints) for row in rows)


def _decision(row: ClaimRow, hints: Hints) -> Markup:
    where = " · ".join(part for part in (row.model, row.localizer, row.threshold) if part)
    return element(
        "details",
        element("summary", badge(row.verdict), " ", element("b", row.claim), " ", element("span", where)),
        element("p", row.statement, class_="statement"),
        element("p", row.reason, class_="reason"),
        _controls(row, hints),
        _numbers(row, hints),
        _extras(row, hints),
        class_="decision card",
    )


def _controls(row: ClaimRow, hints: Hints) -> Child:
    controls = cast(list[dict[str, Any]], row.extras.get("controls") or [])
    if not controls:
        return None
    items = (
        element(
            "li",
            element("b", "passed: " if control.get("passed") else "FAILED: "),
            str(control.get("name")),
            ", ",
            laid_open(control.get("value"), label="value", hints=hints),
            " against ",
            laid_open(control.get("bound"), label="bound", hints=hints),
            ". A failure would mean: " if control.get("passed") else ". This means: ",
            str(control.get("explanation")),
        )
        for control in controls
    )
    return join([element("h3", "Controls"), element("ul", *items, class_="controls")])


def _numbers(row: ClaimRow, hints: Hints) -> Markup:
    told: dict[str, Any] = {name: getattr(row, name) for name in _NUMBERS if getattr(row, name) is not None}
    told |= {name: getattr(row, name) for name in _COUNTS}
    return join([element("h3", "Numbers"), laid_open(told, label="numbers", hints=hints)])


def _extras(row: ClaimRow, hints: Hints) -> Child:
    extras = {name: value for name, value in row.extras.items() if name != "controls"}
    if not extras:
        return None
    return join([element("h3", "Everything else"), laid_open(extras, label=row.claim, hints=hints)])
