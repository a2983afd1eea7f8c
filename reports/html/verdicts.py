"""The page's first section: one card a claim, with a sentence in plain words and the number of every cell."""

from collections import Counter
from collections.abc import Sequence

from harness.records import ClaimRow
from reports.explanations import explain
from reports.html.grid import GridCell, Heading, grid
from reports.html.hints import Hints
from reports.html.interval import Scale, draw_interval
from reports.html.markup import Markup, element, join
from reports.html.words import VERDICTS, PlainClaim, badge, says, short, span

_UNASKED = "NOT_APPLICABLE"


def verdict_section(rows: Sequence[ClaimRow], hints: Hints) -> Markup:
    """All claims in the order of the record, those that could nowhere be asked behind the others."""
    claims = [[row for row in rows if row.claim == claim] for claim in dict.fromkeys(row.claim for row in rows)]
    claims.sort(key=lambda of_claim: all(row.verdict == _UNASKED for row in of_claim))
    return join(_card(of_claim, hints) for of_claim in claims)


def summary(rows: Sequence[ClaimRow]) -> Markup:
    """How many rows came to which verdict."""
    counts = Counter(row.verdict for row in rows)
    ordered = [*(verdict for verdict in VERDICTS if counts[verdict]), *(v for v in counts if v not in VERDICTS)]
    badges = (element("li", badge(verdict, counts[verdict])) for verdict in ordered)
    return element("ul", *badges, class_="badges", aria_label="Verdicts of all rows")


def sentence(rows: Sequence[ClaimRow]) -> str:
    """What the run says of a claim, with the numbers; its rows are those of one claim."""
    counts = Counter(row.verdict for row in rows).most_common()
    parts = [_part(rows, verdict, count, first=not place) for place, (verdict, count) in enumerate(counts)]
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    margins = sorted({row.margin for row in rows if row.margin is not None and row.estimate is not None})
    if margins:
        return f"This run {text}; the margin is {span(margins[0], margins[-1])}."
    return f"This run {text}. {rows[0].reason}" if len({row.reason for row in rows}) == 1 else f"This run {text}."


def _part(rows: Sequence[ClaimRow], verdict: str, count: int, *, first: bool) -> str:
    where = "" if len(rows) == 1 else " in every cell" if count == len(rows) else f" in {count}"
    if first and 1 <= count < len(rows):
        where += f" of {len(rows)} cells"
    found = sorted(row.estimate for row in rows if row.verdict == verdict and row.estimate is not None)
    numbers = f" ({PlainClaim.of(rows[0]).unit} {span(found[0], found[-1])})" if found else ""
    return f"{says(verdict, 'this' if first else 'it')}{where}{numbers}"


def _card(rows: Sequence[ClaimRow], hints: Hints) -> Markup:
    claim, statement = rows[0].claim, rows[0].statement
    plain = PlainClaim.of(rows[0]).plain
    exactly = element("p", element("code", claim), " ", None if plain == statement else statement, class_="statement")
    return element(
        "article",
        element("h3", plain),
        element("p", sentence(rows), class_="lead"),
        exactly,
        _cells(rows, hints),
        class_="card",
        id=f"claim-{claim}",
    )


def _cells(rows: Sequence[ClaimRow], hints: Hints) -> Markup:
    headings = [
        Heading(title="model", explanation=explain("model"), choice=True),
        Heading(title="localizer", explanation=explain("localizer"), choice=True),
        Heading(title="threshold", explanation=explain("threshold"), choice=True),
        Heading(title="verdict", explanation=explain("verdict"), choice=True),
        Heading(title=PlainClaim.of(rows[0]).unit, explanation=explain("estimate"), numeric=True),
        Heading(
            title="95 % interval",
            explanation="Over relations, which are drawn whole; the dashed line is the margin.",
            numeric=True,
        ),
        Heading(title="margin", explanation=explain("margin"), numeric=True),
        Heading(title="facts", explanation=explain("facts"), numeric=True),
        Heading(title="relations", explanation=explain("relations"), numeric=True),
    ]
    scale = Scale.of([value for row in rows for value in (row.estimate, row.ci_low, row.ci_high, row.margin)])
    cells = [_cell_row(row, scale) for row in rows]
    if all(row.estimate is None for row in rows):  # nothing was estimated, so there is no number to show
        headings, cells = headings[:4], [row[:4] for row in cells]
    return grid(f"{rows[0].claim}, cell by cell", headings, cells, label=f"Cells of {rows[0].claim}", hints=hints)


def _cell_row(row: ClaimRow, scale: Scale | None) -> list[GridCell]:
    expected = None
    if row.expected is not None:
        text = "as expected" if row.expected == row.verdict else f"but {row.expected} was expected"
        expected = join([" ", element("small", text)])
    return [
        GridCell(content=row.model),
        GridCell(content=row.localizer),
        GridCell(content=row.threshold or "–", value=row.threshold or ""),
        GridCell(content=join([badge(row.verdict), expected]), value=row.verdict),
        _number(row.estimate),
        GridCell(content=draw_interval(row, scale), value=row.ci_low),
        _number(row.margin),
        GridCell(content=f"{row.n_facts:,}", value=row.n_facts),
        GridCell(content=str(row.n_relations), value=row.n_relations),
    ]


def _number(value: float | None) -> GridCell:
    return GridCell(content="–") if value is None else GridCell(content=short(value), value=value)
