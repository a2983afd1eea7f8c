"""Runs side by side as one page, which needs neither a network nor anything beside it."""

from typing import Final

from reports.compare.formats import lines_of, tables_of
from reports.compare.pairing import run_names
from reports.compare.side_by_side import SideBySide
from reports.html.hints import Hints
from reports.html.markup import Markup, element, join
from reports.html.provenance import citation_section, provenance_section
from reports.html.shell import framed, head_of_page, shell
from reports.html.tables import table_section
from reports.html.verdicts import summary

_SCRIPTS: Final = ("shared.js", "tables.js")


def comparison_page(compared: SideBySide) -> str:
    """The whole page of a comparison."""
    hints = Hints()
    verdicts = [table for table in (compared.verdicts,) if table.rows]
    changes = [table for table in tables_of(compared) if table is not compared.verdicts]
    sections = {
        "verdicts": ("Verdicts", join([_runs(compared), table_section(verdicts, hints)])),
        "changes": ("What changed on the same facts", table_section(changes, hints)),
        "notes": ("What else to know", _lines(compared)),
        "provenance": ("Provenance", _provenance(compared, hints)),
        "cite": ("How to cite", citation_section()),
        "words": ("Words", hints.glossary()),
    }
    names = run_names(compared.runs)
    about = [f"{len(names)} runs · the first is what the others are held against"]
    header = head_of_page("kntests compare", compared.title, about, compared.smoke)
    title = f"{compared.title} · kntests"
    return shell(title, framed(header, sections, hints), scripts=_SCRIPTS, smoke=bool(compared.smoke))


def _runs(compared: SideBySide) -> Markup:
    """A card a run: what it is of, and how many rows came to which verdict."""
    cards = (
        element(
            "div",
            element("h3", name),
            element("p", f"{', '.join(run.record.manifest.models)} · {', '.join(run.record.manifest.data)}"),
            summary(run.record.claims),
            class_="card",
        )
        for name, run in zip(run_names(compared.runs), compared.runs, strict=True)
    )
    return element("div", *cards, class_="runs")


def _lines(compared: SideBySide) -> Markup:
    lines = lines_of(compared)
    return element("ul", *(element("li", line) for line in lines), class_="card lines") if lines else Markup("")


def _provenance(compared: SideBySide, hints: Hints) -> Markup:
    return join(
        element(
            "details",
            element("summary", name),
            provenance_section(run.record.manifest, hints),
            class_="decision card",
        )
        for name, run in zip(run_names(compared.runs), compared.runs, strict=True)
    )
