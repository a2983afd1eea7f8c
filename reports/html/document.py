"""The page: `report.html`, one file that needs neither a network nor anything beside it."""

import base64
import hashlib
from importlib.resources import files
from typing import Final

from reports.figures import figures_of
from reports.html.decisions import decision_section
from reports.html.explorer import explorer
from reports.html.facts import packed_facts
from reports.html.figures import figure_section
from reports.html.hints import Hints
from reports.html.markup import Child, Markup, element, join
from reports.html.provenance import citation_section, provenance_section
from reports.html.queries import packed_queries
from reports.html.tables import table_section
from reports.html.verdicts import summary, verdict_section
from reports.paper_tables import tables_of
from reports.run import SavedRun

_FIRST: Final = ("theme.js",)
"""Runs before anything is drawn, so that no light page flashes up in the dark."""

_LAST: Final = ("shared.js", "tables.js", "facts_data.js", "facts_queries.js", "facts_rows.js", "facts.js")

_STYLES: Final = ("page.css", "tables.css", "print.css")


def page(run: SavedRun) -> str:
    """The whole page of a run.

    Raises:
        RecordError: a figure is not a drawing.
    """
    first, last, style = (_assets(*names) for names in (_FIRST, _LAST, _STYLES))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(first, last, style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", _title(run)),
        element("style", style),
        element("script", first),
    )
    body = element("body", *_body(run), element("script", last, type="module"), class_="smoke" if run.smoke else None)
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _body(run: SavedRun) -> list[Child]:
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
    sections = {name: (title, content) for name, (title, content) in sections.items() if content}
    links = (element("li", element("a", title, href=f"#{name}")) for name, (title, _) in sections.items())
    shown = (
        element("section", element("h2", title, id=f"{name}-title"), content, id=name, aria_labelledby=f"{name}-title")
        for name, (title, content) in sections.items()
    )
    return [
        element("a", "Skip to the verdicts", href="#verdicts", class_="skip"),
        _header(run),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *shown, hints.popovers(), id="main"),
        _data(packed_facts(run), "packed-facts"),
        _data(packed_queries(run), "packed-queries"),
    ]


def _data(packed: str, name: str) -> Markup:
    """What a script of the page unpacks."""
    return element("script", Markup(packed), type="application/octet-stream", id=name)


def _header(run: SavedRun) -> Markup:
    manifest = run.record.manifest
    models = list(manifest.models)
    named = " and ".join(part for part in (", ".join(models[:-1]), *models[-1:]) if part)
    switch = element("button", "Theme: auto", type="button", id="theme", hidden=True)
    warning = element("p", element("b", "Smoke run, not a result:"), f" {run.smoke}.", class_="warning", role="note")
    return element(
        "header",
        element("div", element("p", "kntests report", class_="kind"), switch, class_="bar"),
        element(
            "h1", f"Where does {named} keep its facts?" if len(models) < 2 else f"Where do {named} keep their facts?"
        ),
        element(
            "p",
            run.folder.name,
            " · ",
            element("time", manifest.created[:10], datetime=manifest.created),
            " · ",
            ", ".join(manifest.data),
            class_="about",
        ),
        warning if run.smoke else None,
    )


def _title(run: SavedRun) -> str:
    name = f"{', '.join(run.record.manifest.models)} · {run.folder.name} · kntests"
    return f"SMOKE RUN, not a result · {name}" if run.smoke else name


def _assets(*names: str) -> Markup:
    """Styles or scripts of this package, as they stand."""
    folder = files("reports.html").joinpath("assets")
    return Markup("\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names))


def _policy(first: Markup, last: Markup, style: Markup) -> str:
    """Nothing is fetched, no script runs but ours, and no text becomes markup."""
    scripts = f"{_hash(first)} {_hash(last)}"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src-elem {_hash(style)}",
            "style-src-attr 'unsafe-inline'",  # drawings carry their colours so
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
