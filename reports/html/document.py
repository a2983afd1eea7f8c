"""The page of a run: `report.html`, one file that needs neither a network nor anything beside it."""

from typing import Final

from reports.figures import figures_of
from reports.html.decisions import decision_section
from reports.html.explorer import explorer
from reports.html.facts import packed_facts
from reports.html.figures import figure_section
from reports.html.hints import Hints
from reports.html.markup import Markup, element, join
from reports.html.provenance import citation_section, provenance_section
from reports.html.queries import packed_queries
from reports.html.shell import framed, head_of_page, shell
from reports.html.tables import table_section
from reports.html.verdicts import summary, verdict_section
from reports.paper_tables import tables_of
from reports.run import SavedRun

_SCRIPTS: Final = ("shared.js", "tables.js", "facts_data.js", "facts_queries.js", "facts_rows.js", "facts.js")


def page(run: SavedRun) -> str:
    """The whole page of a run.

    Raises:
        RecordError: a figure is not a drawing.
    """
    rows, hints = run.record.claims, Hints()
    sections = {
        "verdicts": ("Verdicts", join([summary(rows), verdict_section(rows, hints)])),
        "tables": ("Tables", table_section(tables_of(run), hints)),
        "figures": ("Figures", figure_section(figures_of(run))),
        "facts": ("Facts", explorer(run, hints)),
        "decisions": ("Decisions and why", decision_section(rows, hints)),
        "provenance": ("Provenance", provenance_section(run.record.manifest, hints)),
        "cite": ("How to cite", citation_section()),
        "words": ("Words", hints.glossary()),
    }
    body = [
        *framed(_header(run), sections, hints),
        _data(packed_facts(run), "packed-facts"),
        _data(packed_queries(run), "packed-queries"),
    ]
    title = f"{', '.join(run.record.manifest.models)} · {run.folder.name} · kntests"
    return shell(title, body, scripts=_SCRIPTS, smoke=run.smoke is not None)


def _data(packed: str, name: str) -> Markup:
    """What a script of the page unpacks."""
    return element("script", Markup(packed), type="application/octet-stream", id=name)


def _header(run: SavedRun) -> Markup:
    manifest = run.record.manifest
    models = list(manifest.models)
    named = " and ".join(part for part in (", ".join(models[:-1]), *models[-1:]) if part)
    about = (
        f"{run.folder.name} · ",
        element("time", manifest.created[:10], datetime=manifest.created),
        f" · {', '.join(manifest.data)}",
    )
    question = f"Where does {named} keep its facts?" if len(models) < 2 else f"Where do {named} keep their facts?"
    return head_of_page("kntests report", question, about, [] if run.smoke is None else [run.smoke])
