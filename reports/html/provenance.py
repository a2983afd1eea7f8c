"""Where the numbers come from, and how to cite them."""

import json

from harness.records import Manifest
from reports.html.citation import sources
from reports.html.hints import Hints
from reports.html.laid_open import laid_open
from reports.html.markup import Markup, element, join


def provenance_section(manifest: Manifest, hints: Hints) -> Markup:
    """The whole manifest, readable and as JSON."""
    told = manifest.to_dict()
    parts = [
        element(
            "p",
            "Made by ",
            element("code", manifest.command),
            " on ",
            element("time", manifest.created.replace("T", " ").replace("+00:00", " UTC"), datetime=manifest.created),
            f" in {manifest.seconds:,.1f} seconds.",
        )
    ]
    for name in ("models", "data", "settings", "versions", "platform"):
        parts += [element("h3", name.capitalize()), _groups(told[name], name, hints)]
    text = json.dumps(told, indent=1, ensure_ascii=False)
    return join([*parts, element("details", element("summary", "The manifest as JSON"), _code(text, "Manifest"))])


def citation_section() -> Markup:
    """What to cite, as text and as BibTeX."""
    return join(
        element("div", element("p", source.text), _code(source.bibtex, "BibTeX"), class_="card") for source in sources()
    )


def _groups(told: dict[str, object], name: str, hints: Hints) -> Markup:
    """Named parts, such as models, each under its name; what has no parts as one list."""
    if told and all(isinstance(value, dict) for value in told.values()):
        return join(
            element("div", element("h4", part), laid_open(value, label=part, hints=hints), class_="card")
            for part, value in told.items()
        )
    return element("div", laid_open(told, label=name, hints=hints), class_="card")


def _code(text: str, label: str) -> Markup:
    return element("pre", element("code", text), tabindex=0, role="group", aria_label=label, class_="scroll")
