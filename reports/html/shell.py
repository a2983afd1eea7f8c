"""What every page is: one file with styles, scripts and a policy, a header, links to its sections, a warning."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

from reports.html.hints import Hints
from reports.html.markup import Child, Markup, element

_FIRST: Final = ("theme.js",)
"""Runs before anything is drawn, so that no light page flashes up in the dark."""

_STYLES: Final = ("page.css", "tables.css", "print.css")


def shell(title: str, body: Sequence[Child], *, scripts: Sequence[str], smoke: bool) -> str:
    """A whole page.

    Args:
        title: of the window.
        body: what `framed` gives, and what else the scripts read.
        scripts: those of the assets that run when the page is there.
        smoke: whether it is marked as no result.
    """
    first, last, style = (_assets(names) for names in (_FIRST, scripts, _STYLES))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(first, last, style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"SMOKE RUN, not a result · {title}" if smoke else title),
        element("style", style),
        element("script", first),
    )
    all_of_it = element("body", *body, element("script", last, type="module"), class_="smoke" if smoke else None)
    return f"<!DOCTYPE html>\n{element('html', head, all_of_it, lang='en')}\n"


def framed(header: Markup, sections: Mapping[str, tuple[str, Markup]], hints: Hints) -> list[Child]:
    """A header, links to the sections, and the sections; those that are empty are left out.

    Args:
        header: what `head_of_page` gives.
        sections: title and content by the name that a link has; the first is where the keyboard can skip to.
        hints: the explanations that the sections refer to.
    """
    shown = {name: (title, content) for name, (title, content) in sections.items() if content}
    first = next(iter(shown))
    links = (element("li", element("a", title, href=f"#{name}")) for name, (title, _) in shown.items())
    parts = (
        element("section", element("h2", title, id=f"{name}-title"), content, id=name, aria_labelledby=f"{name}-title")
        for name, (title, content) in shown.items()
    )
    return [
        element("a", f"Skip to the {shown[first][0].lower()}", href=f"#{first}", class_="skip"),
        header,
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *parts, hints.popovers(), id="main"),
    ]


def head_of_page(kind: str, heading: str, about: Sequence[Child], smoke: Sequence[str]) -> Markup:
    """What stands at the top.

    Args:
        kind: of page, in a word or two.
        heading: its title.
        about: a line of particulars.
        smoke: why it is no result, a sentence each; empty if it is one.
    """
    switch = element("button", "Theme: auto", type="button", id="theme", hidden=True)
    warnings = (
        element("p", element("b", "Smoke run, not a result:"), f" {reason}.", class_="warning", role="note")
        for reason in smoke
    )
    return element(
        "header",
        element("div", element("p", kind, class_="kind"), switch, class_="bar"),
        element("h1", heading),
        element("p", *about, class_="about"),
        *warnings,
    )


def _assets(names: Sequence[str]) -> Markup:
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
