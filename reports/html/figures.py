"""Figures drawn into the page, so that their words can be read, searched and copied."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final

from harness.errors import RecordError
from reports.figures import DrawnFigure
from reports.html.markup import Markup, clean, element, join

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "{http://www.w3.org/1999/xlink}href"
_LOCAL: Final = re.compile(r"url\(#([^)]+)\)")
_THEMED: Final = {
    "#000000": "text",
    "#ffffff": "card",
    "#595959": "soft",
    "#e5e5e5": "line",
    "#0072b2": "blue",
    "#d55e00": "orange",
}
"""Colours of drawings that the page has for light and for dark, by the name of its variable."""

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}\b")
_LEFT_OUT: Final = frozenset({"script", "foreignObject", "metadata", "style", "title", "a", "animate", "set"})

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def figure_section(figures: Sequence[DrawnFigure]) -> Markup:
    """One figure after the other, with its caption and what a reader who cannot see it has to know."""
    return join(_figure(figure, number) for number, figure in enumerate(figures, start=1))


def _figure(figure: DrawnFigure, number: int) -> Markup:
    caption = element("figcaption", element("b", figure.title), " ", figure.caption)
    drawing = element(
        "div",
        inline_svg(figure.svg, prefix=f"drawing-{number}", alt_text=figure.alt_text),
        class_="scroll drawing",
        role="group",
        tabindex=0,
        aria_label=figure.title,
    )
    return element("figure", drawing, caption, class_="card", id=f"figure-{number}")


def inline_svg(svg: str, *, prefix: str, alt_text: str) -> Markup:
    """A drawing as part of a page: no scripts, no styles that reach beyond it, no name that another drawing has.

    Args:
        svg: the drawing as a file.
        prefix: what its names get in front.
        alt_text: what it shows.

    Raises:
        RecordError: not SVG.
    """
    try:
        root = ET.fromstring(clean(svg))
    except ET.ParseError as error:
        raise RecordError(f"the figure {prefix!r} is no SVG: {error}", field=prefix) from None
    if root.tag != f"{{{_SVG}}}svg":
        raise RecordError(f"the figure {prefix!r} is no SVG but {root.tag}", field=prefix)
    _strip(root)
    for node in root.iter():
        _keep_inside(node, prefix)
    # What matplotlib's style sheet says of all lines; as attributes it reaches this drawing alone.
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt", "fill": "currentColor"}
    root.attrib |= {"role": "img", "aria-label": alt_text}
    return Markup(ET.tostring(root, encoding="unicode"))


def _strip(node: ET.Element) -> None:
    for child in list(node):
        if child.tag.rpartition("}")[2] in _LEFT_OUT:
            node.remove(child)
        else:
            _strip(child)


def _keep_inside(node: ET.Element, prefix: str) -> None:
    for name, value in list(node.attrib.items()):
        if name.rpartition("}")[2].startswith("on"):
            del node.attrib[name]
        elif name == "id":
            node.attrib[name] = f"{prefix}-{value}"
        elif name in (_XLINK, "href"):
            if value.startswith("#"):
                node.attrib[name] = f"#{prefix}-{value[1:]}"
            elif not value.startswith("data:image/png;base64,"):
                del node.attrib[name]
        else:
            node.attrib[name] = _LOCAL.sub(rf"url(#{prefix}-\1)", _COLOUR.sub(_themed, value))


def _themed(colour: re.Match[str]) -> str:
    name = _THEMED.get(colour[0].lower())
    return f"var(--{name})" if name else colour[0]
