"""A table without a format: what its cells say, what its columns mean, and which way is better."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from harness.errors import ConfigError
from reports.explanations import explain

MISSING: Final = "-"
"""Stands where a row has no value."""

ARROWS: Final = {"up": "↑", "down": "↓", "none": ""}
"""How a heading says which way is better."""

_SMALLEST_P: Final = 1e-6

Alignment = Literal["left", "right"]
Better = Literal["up", "down", "none"]
Value = float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What stands in a cell.

    Attributes:
        text: for people.
        value: the same unrounded, for machines; None where there is no value.
        low: lower end of the value's 95 % interval, if it has one.
        high: its upper end.
        bold: whether the value is significantly better than what it is compared with.
    """

    text: str
    value: Value = None
    low: float | None = None
    high: float | None = None
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What stands in a column.

    Attributes:
        key: its name for machines.
        heading: its name for people.
        align: `left` for words, `right` for numbers.
        better: whether larger (`up`) or smaller (`down`) values are better, or neither.
        explanation: the statistic in one sentence.
        group: heading that it shares with its neighbors; empty for none.
        interval: whether its cells have intervals.
    """

    key: str
    heading: str
    align: Alignment = "right"
    better: Better = "none"
    explanation: str = ""
    group: str = ""
    interval: bool = False

    @property
    def title(self) -> str:
        """The heading with its arrow."""
        arrow = ARROWS[self.better]
        return f"{self.heading} {arrow}" if arrow else self.heading


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        name: file name without its ending.
        title: what it shows, in a line.
        columns: from left to right.
        rows: a cell a column.
        note: what its reader has to know besides; may be empty.
        smoke: why the numbers are not a result, or None.

    Raises:
        ConfigError: a row does not have a cell a column.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    smoke: str | None = None

    def __post_init__(self) -> None:
        """Checks the rows."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ConfigError(
                    f"a row of {self.name!r} has {len(row)} cells for {len(self.columns)} columns",
                    setting="rows",
                    value=row,
                )

    @property
    def groups(self) -> tuple[str, ...]:
        """The headings that columns share, from left to right."""
        return tuple(dict.fromkeys(column.group for column in self.columns if column.group))

    def panels(self) -> Iterator["Table"]:
        """The columns of each group beside those of none, a table each; the table itself if it has no groups."""
        if not self.groups:
            yield self
        for group in self.groups:
            kept = [index for index, column in enumerate(self.columns) if column.group in ("", group)]
            yield self._only(kept)

    def without_empty_columns(self) -> "Table":
        """The table without the columns in which no row has a value; all of them where there is no row."""
        kept = [i for i in range(len(self.columns)) if any(row[i].text != MISSING for row in self.rows)]
        return self._only(kept) if self.rows else self

    def _only(self, kept: Sequence[int]) -> "Table":
        return Table(
            name=self.name,
            title=self.title,
            columns=tuple(self.columns[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in self.rows),
            note=self.note,
            smoke=self.smoke,
        )


def column(
    key: str,
    heading: str,
    *,
    statistic: str | None = None,
    align: Alignment = "right",
    better: Better = "none",
    group: str = "",
    interval: bool = False,
) -> Column:
    """A column of a statistic, with the explanation that it has everywhere.

    Args:
        key: name of the column for machines.
        heading: its name for people.
        statistic: what `reports.explanations` explains it as; `key` if None.
        align: see `Column`.
        better: see `Column`.
        group: see `Column`.
        interval: see `Column`.

    Raises:
        ConfigError: the statistic is not explained.
    """
    explanation = explain(key if statistic is None else statistic)
    return Column(
        key=key,
        heading=heading,
        align=align,
        better=better,
        explanation=explanation,
        group=group,
        interval=interval,
    )


def word(text: str | None, *, bold: bool = False) -> Cell:
    """A cell of words; a dash where there are none."""
    return Cell(text=text or MISSING, value=text or None, bold=bold)


def number(value: float | None, digits: int = 2, *, bold: bool = False) -> Cell:
    """A cell with a rounded number; a dash where there is none."""
    if value is None:
        return Cell(text=MISSING)
    return Cell(text=f"{value:.{digits}f}", value=value, bold=bold)


def general(value: float | None) -> Cell:
    """A cell with a number as short as it can be; a dash where there is none."""
    return Cell(text=MISSING) if value is None else Cell(text=f"{value:g}", value=value)


def percent(value: float | None) -> Cell:
    """A cell with a share in per cent; a dash where there is none."""
    return Cell(text=MISSING) if value is None else Cell(text=f"{value:.0%}", value=value)


def scientific(value: float | None) -> Cell:
    """A cell with a number of any size."""
    return Cell(text=MISSING) if value is None else Cell(text=f"{value:.1e}", value=value)


def p_value(value: float | None) -> Cell:
    """A cell with a p-value; one that is as good as 0 is written as the paper writes it."""
    if value is None:
        return Cell(text=MISSING)
    return Cell(text="<1e-6" if value < _SMALLEST_P else f"{value:.2g}", value=value)


def interval(
    value: float | None, low: float | None, high: float | None, digits: int = 2, *, bold: bool = False
) -> Cell:
    """A cell with an estimate and its 95 % interval; the estimate alone where there is no interval."""
    if value is None or low is None or high is None:
        return number(value, digits, bold=bold)
    text = f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
    return Cell(text=text, value=value, low=low, high=high, bold=bold)
