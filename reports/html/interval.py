"""An interval drawn as a line in a table row: the estimate a dot, the margin a dashed line across."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from harness.records import ClaimRow
from reports.html.markup import Markup, element, join
from reports.html.words import short

_WIDTH: Final = 120
_HEIGHT: Final = 18
_INSET: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The numbers between which the rows of one claim are drawn.

    Attributes:
        low: drawn at the left.
        high: drawn at the right.
    """

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Self | None:
        """The scale that holds all values; None without any two."""
        known = [value for value in values if value is not None]
        return cls(low=min(known), high=max(known)) if known and min(known) < max(known) else None

    def place(self, value: float) -> float:
        """Where a value is drawn."""
        return round(_INSET + (_WIDTH - 2 * _INSET) * (value - self.low) / (self.high - self.low), 2)


def draw_interval(row: ClaimRow, scale: Scale | None) -> Markup:
    """The interval of a row in numbers and as a drawing; a dash where there is none."""
    if row.ci_low is None or row.ci_high is None:
        return Markup("–")
    text = element("span", f"{short(row.ci_low)} to {short(row.ci_high)}")
    return text if scale is None else join([text, _drawing(row, row.ci_low, row.ci_high, scale)])


def _drawing(row: ClaimRow, low: float, high: float, scale: Scale) -> Markup:
    middle = _HEIGHT / 2
    marks = [element("line", x1=scale.place(low), x2=scale.place(high), y1=middle, y2=middle, class_="whisker")]
    if row.margin is not None:
        at = scale.place(row.margin)
        marks.append(element("line", x1=at, x2=at, y1=0, y2=_HEIGHT, class_="margin"))
    if row.estimate is not None:
        marks.append(element("circle", cx=scale.place(row.estimate), cy=middle, r=4))
    # The numbers stand beside it, so who cannot see it misses nothing.
    return element(
        "svg",
        *marks,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
        class_="interval",
        aria_hidden="true",
        data_verdict=row.verdict,
    )
