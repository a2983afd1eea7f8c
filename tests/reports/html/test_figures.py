"""Drawings inside a page: they bring their picture and nothing else."""

import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from harness.errors import RecordError
from reports.figures.drawn import drawn
from reports.figures.figure import drawing, new_figure
from reports.html.figures import figure_section, inline_svg
from tests.reports.html.made_run import HOSTILE, LONG_WORDS, made_run
from tests.reports.html.skeleton import read

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def inlined(inside, prefix="figure-3"):
    return inline_svg(SVG.format(inside), prefix=prefix, alt_text="what it shows")


def made_figure(word=""):
    with drawing():
        figure, (axis,) = new_figure(1)
        axis.plot([1, 2, 3], [3, 1, 2], marker="o")
        axis.set_title(f"a & b{word}")
        axis.set_xlim(1.5, 2.5)  # clips, so that one part of the drawing names another
        data = pd.DataFrame()
        return drawn(figure, made_run(), name="figure-3", title=f"T{word}", caption="C", alt_text="A", data=data)


def test_names_and_what_refers_to_them_get_a_prefix():
    svg = inlined('<defs><path id="m"/></defs><use xlink:href="#m"/><g clip-path="url(#m)" style="fill: url(#m)"/>')
    assert 'id="figure-3-m"' in svg
    assert 'xlink:href="#figure-3-m"' in svg
    assert svg.count("url(#figure-3-m)") == 2


@pytest.mark.parametrize(
    "inside",
    [
        "<script>window.broken = 1</script>",
        '<g><script href="x"/></g>',
        "<style>* { display: none }</style>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload='x'/></foreignObject>",
        '<a href="https://example.org"><text>x</text></a>',
        '<rect onclick="window.broken = 1" onload="x"/>',
        '<image href="https://example.org/x.png"/>',
        '<use xlink:href="https://example.org/x.svg#m"/>',
        "<metadata>x</metadata>",
        "<set attributeName='onmouseover' to='x'/>",
    ],
)
def test_what_is_no_picture_stays_outside(inside):
    svg = inlined(inside)
    for word in ("script", "style>", "foreign", "example.org", "onclick", "onload", "metadata", "<set"):
        assert word not in svg


def test_colours_are_those_of_the_page():
    svg = inlined('<path style="fill: #0072B2; stroke: #000000"/><path style="fill: #123456"/>')
    assert "fill: var(--blue); stroke: var(--text)" in svg
    assert "fill: #123456" in svg


def test_pictures_inside_stay():
    data = "data:image/png;base64,AAAA"
    assert f'xlink:href="{data}"' in inlined(f'<image xlink:href="{data}"/>')


def test_says_what_it_shows():
    root = ET.fromstring(inline_svg(SVG.format(""), prefix="x", alt_text="<&\"'>"))
    assert root.get("aria-label") == "<&\"'>"
    assert root.get("role") == "img"


@pytest.mark.parametrize("text", ["", "no picture", "<svg", "<html/>", "<svg/>"])
def test_what_is_no_drawing_is_an_error(text):
    with pytest.raises(RecordError, match="figure-9"):
        inline_svg(text, prefix="figure-9", alt_text="")


def test_drawings_of_ours_keep_their_words():
    reader = read(figure_section([made_figure()]))
    assert "a & b" in "".join(reader.words)
    assert {("use", "xlink:href"), ("g", "clip-path")} & reader.drawn


@LONG_WORDS
def test_hostile_words_in_a_drawing_are_words():
    safe, hostile = (read(figure_section([made_figure(text)])) for text in ("-", HOSTILE))
    assert hostile.elements == safe.elements
    assert hostile.drawn == safe.drawn
    assert "</script><script>window.broken = 1</script>" in "".join(hostile.words)
