"""Tables in a page: they scroll in a frame of their own, and page scripts make them sort and filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.html.hints import Hints
from reports.html.markup import Child, Markup, element


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands above a column.

    Attributes:
        title: its name.
        explanation: one sentence; may be empty.
        numeric: whether its cells are numbers.
        choice: whether a reader may want the rows with one of its few words.
        group: heading that it shares with its neighbors; empty for none.
    """

    title: str
    explanation: str = ""
    numeric: bool = False
    choice: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """What stands in a row.

    Attributes:
        content: text or markup.
        value: what sorting goes by, if not the text.
        strong: whether it stands out.
    """

    content: Child
    value: str | float | None = None
    strong: bool = False


def grid(
    caption: Child, headings: Sequence[Heading], rows: Sequence[Sequence[GridCell]], *, label: str, hints: Hints
) -> Markup:
    """A table that sorts by any column and filters by text; plain where there is no script.

    Args:
        caption: what it shows.
        headings: one a column; the cells of the first column name their row.
        rows: a cell a column.
        label: what it is called where its caption is not seen.
        hints: where explanations are gathered.
    """
    head = element("thead", _groups(headings), element("tr", *(_heading(heading, hints) for heading in headings)))
    body = element("tbody", *(_row(headings, row) for row in rows))
    table = element("table", element("caption", caption), head, body)
    frame = element("div", table, class_="scroll", role="group", aria_label=label, tabindex=0)
    return element("div", frame, class_="grid", data_label=label)


def _groups(headings: Sequence[Heading]) -> Markup | None:
    """A line of shared headings above the others, if there are any."""
    if not any(heading.group for heading in headings):
        return None
    runs = [(group, len(list(members))) for group, members in groupby(headings, key=lambda heading: heading.group)]
    cells = (
        element("th", group, scope="colgroup", colspan=width) if group else element("td", colspan=width)
        for group, width in runs
    )
    return element("tr", *cells, class_="groups")


def _heading(heading: Heading, hints: Hints) -> Markup:
    inner = element(
        "span",
        element("span", heading.title, class_="label"),
        hints.button(heading.title, heading.explanation),
        class_="heading",
    )
    return element(
        "th",
        inner,
        scope="col",
        class_="number" if heading.numeric else None,
        data_choice=f"{heading.group} {heading.title}".strip() if heading.choice else None,
    )


def _row(headings: Sequence[Heading], row: Sequence[GridCell]) -> Markup:
    return element(
        "tr", *(_cell(heading, cell, first=not i) for i, (heading, cell) in enumerate(zip(headings, row, strict=True)))
    )


def _cell(heading: Heading, cell: GridCell, *, first: bool) -> Markup:
    return element(
        "th" if first else "td",
        element("b", cell.content) if cell.strong else cell.content,
        scope="row" if first else None,
        class_="number" if heading.numeric else None,
        data_value=repr(float(cell.value)) if isinstance(cell.value, float) else cell.value,
    )
