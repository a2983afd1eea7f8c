"""HTML that cannot be broken by data: what is not markup already is escaped where it is put in."""

import html
import re
from collections.abc import Iterable
from typing import Final

_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters and halves of characters: no HTML may have them, and a file in UTF-8 cannot have the latter."""

_EMPTY: Final = frozenset({"input", "meta", "br", "line", "circle", "rect"})


class Markup(str):
    """Text that is HTML; made by the functions of this module alone."""

    __slots__ = ()


Child = str | None
"""What an element holds: Markup as it stands, other text escaped, None not at all."""


def clean(text: str) -> str:
    """Text without what no HTML file can hold, each such character replaced by U+FFFD."""
    return _UNWRITABLE.sub("\ufffd", text)


def escape(text: str) -> Markup:
    """Text as HTML, in an element or in an attribute's quotes."""
    return text if isinstance(text, Markup) else Markup(html.escape(clean(text), quote=True))


def join(children: Iterable[Child], between: str = "") -> Markup:
    """One piece of markup of many."""
    return Markup(escape(between).join(escape(child) for child in children if child is not None))


def element(tag: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element.

    Args:
        tag: name of the element.
        children: its content.
        attributes: `class_` is written `class`, `aria_label` as `aria-label`; True writes the name alone, None and
            False nothing.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in _EMPTY:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")


def _attribute(key: str, value: str | float | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
