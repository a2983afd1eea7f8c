"""What was decided and why: every row of the record with its reason, its controls and everything else it holds."""

from collections.abc import Iterator
from typing import Any, Final, cast

from harness.records import ClaimRow
from reports.html.hints import Hints
from reports.html.laid_open import laid_open
from reports.html.markup import Child, Markup, element, join
from reports.html.words import badge

_CONTROLS: Final = ("controls", "measurement_controls")
_CONTROL: Final = frozenset({"name", "passed", "value", "bound", "explanation"})
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
    found = list(_control_lists(row))
    if not found:
        return None
    lists = (
        join([element("h4", of) if of else None, element("ul", *(_control(told, hints) for told in controls))])
        for of, controls in found
    )
    return join([element("h3", "Controls"), *lists])


def _control_lists(row: ClaimRow) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Controls under the name of what they are of: nothing, or a localizer or model of a claim about several."""
    controls = row.extras.get("controls")
    named = cast(dict[str, Any], controls) if isinstance(controls, dict) else {"": controls}
    for of, found in (*named.items(), ("of the measurement", row.extras.get("measurement_controls"))):
        told = cast(dict[str, Any], found).get("controls") if isinstance(found, dict) else found
        if isinstance(told, list) and told and all(_is_control(item) for item in cast(list[object], told)):
            yield of, cast(list[dict[str, Any]], told)


def _is_control(value: object) -> bool:
    return isinstance(value, dict) and set(cast(dict[str, Any], value)) >= _CONTROL


def _control(told: dict[str, Any], hints: Hints) -> Markup:
    return element(
        "li",
        element("b", "passed: " if told["passed"] else "FAILED: "),
        str(told["name"]),
        ", ",
        laid_open(told["value"], label="value", hints=hints),
        " against ",
        laid_open(told["bound"], label="bound", hints=hints),
        ". A failure would mean: " if told["passed"] else ". This means: ",
        f"{told['explanation']}.",
    )


def _numbers(row: ClaimRow, hints: Hints) -> Markup:
    told: dict[str, Any] = {name: getattr(row, name) for name in _NUMBERS if getattr(row, name) is not None}
    told |= {name: getattr(row, name) for name in _COUNTS}
    return join([element("h3", "Numbers"), laid_open(told, label="numbers", hints=hints)])


def _extras(row: ClaimRow, hints: Hints) -> Child:
    shown = [controls for _, controls in _control_lists(row)]
    extras = {name: value for name, value in row.extras.items() if not (name in _CONTROLS and value in shown)}
    if not extras:
        return None
    return join([element("h3", "Everything else"), laid_open(extras, label=row.claim, hints=hints)])
