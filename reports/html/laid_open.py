"""Nested builtins as HTML: what a record holds, whoever wrote it, laid open to the last number."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from reports.html.grid import GridCell, Heading, grid
from reports.html.hints import Hints
from reports.html.markup import Markup, element, join
from reports.html.words import explanation_of, short

_NOTHING: Final = Markup('<span class="none">none</span>')


def laid_open(value: object, *, label: str, hints: Hints) -> Markup:
    """A value: numbers and words as they are, dictionaries of dictionaries and lists of dictionaries as tables.

    Args:
        value: builtins.
        label: what it is called, for a table that it becomes.
        hints: of the page.
    """
    if isinstance(value, Mapping):
        return _mapping(cast(Mapping[str, Any], value), label, hints)
    if isinstance(value, (list, tuple)):
        return _sequence(cast(Sequence[Any], value), label, hints)
    return _scalar(value)


def _scalar(value: object) -> Markup:
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return Markup("yes" if value else "no")
    if isinstance(value, int):
        return Markup(f"{value:,}")
    if isinstance(value, float):
        # What is shown is rounded; the whole number is in the title and in run.json.
        return element("data", short(value), value=repr(value), title=repr(value))
    return join([str(value)])


def _mapping(value: Mapping[str, Any], label: str, hints: Hints) -> Markup:
    if not value:
        return _NOTHING
    if _is_table(list(value.values())):
        return _table([{"name": name, **row} for name, row in value.items()], label, hints)
    if _is_columns(value):
        return _table([dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)], label, hints)
    entries = (
        element("div", _term(name, hints), element("dd", laid_open(item, label=name, hints=hints)))
        for name, item in value.items()
    )
    return element("dl", *entries, class_="record")


def _term(name: str, hints: Hints) -> Markup:
    title = name.replace("_", " ")
    return element("dt", title, " ", hints.button(title, explanation_of(name)))


def _sequence(value: Sequence[Any], label: str, hints: Hints) -> Markup:
    if not value:
        return _NOTHING
    if _is_table(value):
        return _table([dict(row) for row in value], label, hints)
    if all(not isinstance(item, (dict, list, tuple)) for item in value):
        return join((_scalar(item) for item in value), ", ")
    return element("ul", *(element("li", laid_open(item, label=label, hints=hints)) for item in value))


def _is_table(rows: Sequence[object]) -> bool:
    """Whether these are dictionaries with the same keys and nothing nested in them."""
    if len(rows) < 2 and not (rows and isinstance(rows[0], dict) and len(cast(dict[str, Any], rows[0])) > 2):
        return False
    return all(isinstance(row, dict) and list(row) == list(cast(dict[str, Any], rows[0])) for row in rows) and all(
        not isinstance(item, (dict, list, tuple)) for row in rows for item in cast(dict[str, Any], row).values()
    )


def _is_columns(value: Mapping[str, Any]) -> bool:
    """Whether these are several lists of numbers or words, all of one length."""
    columns = list(value.values())
    return (
        len(columns) > 1
        and all(isinstance(column, (list, tuple)) for column in columns)
        and len({len(column) for column in columns}) == 1
        and len(columns[0]) > 1
        and not any(isinstance(item, (dict, list, tuple)) for column in columns for item in column)
    )


def _table(rows: Sequence[Mapping[str, Any]], label: str, hints: Hints) -> Markup:
    title = label.replace("_", " ")
    headings = [
        Heading(
            title=name.replace("_", " "),
            explanation=explanation_of(name),
            numeric=all(_is_number(row[name]) for row in rows),
        )
        for name in rows[0]
    ]
    body = [
        [
            GridCell(content=_scalar(item), value=item if isinstance(item, (int, float)) else None)
            for item in row.values()
        ]
        for row in rows
    ]
    return grid(title, headings, body, label=title, hints=hints)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
