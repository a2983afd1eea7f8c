"""Tables for the terminal: in one piece where they fit, else a piece a group of columns, else a line a cell."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tabulate import tabulate

from reports.table import MISSING, Table

_CODES: Final = {"red": 31, "green": 32, "yellow": 33}
_BOLD: Final = "\x1b[1m{}\x1b[0m"
_ESCAPES: Final = re.compile(r"\x1b\[\d*m")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def render(table: Table, *, width: int | None = None, paint: Mapping[str, str] | None = None) -> str:
    """Title, table and note; without a line break at the end.

    Args:
        table: what to write.
        width: characters of a line; None for as many as it takes.
        paint: words and the colour that each has; None writes neither colours nor bold.
    """
    parts = [plain(table.title)]
    if table.smoke is not None:
        parts.append(f"smoke run, not a result: {plain(table.smoke)}")
    parts.append(render_grid(table, width=width, paint=paint))
    if table.note:
        parts.append(plain(table.note))
    return "\n\n".join(parts)


def render_grid(table: Table, *, width: int | None = None, paint: Mapping[str, str] | None = None) -> str:
    """The bare table; arguments as those of `render`."""
    grid = _grid(table, bold=paint is not None)
    if width is not None and _width(grid) > width:
        panels = [_grid(panel, bold=paint is not None) for panel in table.panels()]
        fits = max(map(_width, panels)) <= width
        grid = "\n\n".join(panels if fits else _records(table, bold=paint is not None))
    if not paint:
        return grid
    words = "|".join(re.escape(word) for word in sorted(paint, key=len, reverse=True))
    return re.sub(rf"\b(?:{words})\b", lambda found: f"\x1b[{_CODES[paint[found[0]]]}m{found[0]}\x1b[0m", grid)


def plain(text: str) -> str:
    """The text in one line, without what would move the cursor or change colours."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _width(text: str) -> int:
    return max(map(len, _ESCAPES.sub("", text).splitlines()), default=0)


def _grid(table: Table, *, bold: bool) -> str:
    """A line of headings, a rule, a line a row; above them a line of group headings, if there are any."""
    headings, rule, *rows = tabulate(
        [[_text(cell.text, bold and cell.bold) for cell in row] for row in table.rows],
        [plain(column.title) for column in table.columns],
        tablefmt="simple",
        colalign=[column.align for column in table.columns] if table.rows else None,
        disable_numparse=True,
    ).splitlines()
    lines = [_group_line(table, rule)] if table.groups else []
    heading = headings.rstrip()
    lines += [_BOLD.format(heading) if bold else heading, rule, *(row.rstrip() for row in rows)]
    return "\n".join(lines)


def _group_line(table: Table, rule: str) -> str:
    """Each group's heading above the first of its columns, cut where the next group begins."""
    starts = [found.start() for found in re.finditer("-+", rule)]
    firsts = [
        (start, column.group)
        for start, column, before in zip(starts, table.columns, (None, *table.columns), strict=False)
        if before is None or column.group != before.group
    ]
    line = ""
    for (start, group), (end, _) in zip(firsts, [*firsts[1:], (len(rule) + 1, "")], strict=True):
        line = line.ljust(start) + plain(group)[: end - start - 1].ljust(end - start)
    return line.rstrip()


def _records(table: Table, *, bold: bool) -> Iterator[str]:
    """A block a row, a line a cell that has a value."""
    titles = [plain(f"{column.group} {column.title}") for column in table.columns]
    for row in table.rows:
        shown = [(title, cell) for title, cell in zip(titles, row, strict=True) if cell.text != MISSING]
        widest = max((len(title) for title, _ in shown), default=0)
        yield "\n".join(f"{title.ljust(widest)}  {_text(cell.text, bold and cell.bold)}" for title, cell in shown)


def _text(text: str, bold: bool) -> str:
    return _BOLD.format(plain(text)) if bold else plain(text)
