"""What data can do to markup: nothing."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.html.markup import Markup, clean, element, escape, join

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


class Recorder(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag):
        self.seen.append(tag)

    def handle_data(self, data):
        if self.seen and isinstance(self.seen[-1], list):
            self.seen[-1][0] += data
        else:
            self.seen.append([data])

    def handle_comment(self, data):
        raise AssertionError(data)


def parsed(markup):
    recorder = Recorder()
    recorder.feed(markup)
    recorder.close()
    return recorder.seen


@given(ANY_TEXT, ANY_TEXT)
def test_text_comes_back_as_text(text, value):
    seen = parsed(element("p", text, title=value))
    start, *rest = seen
    assert start == ("p", [("title", clean(value))])
    assert "".join(item[0] for item in rest[:-1]) == clean(text)
    assert rest[-1] == "p"


@given(ANY_TEXT)
def test_what_is_escaped_can_be_written(text):
    escape(text).encode("utf-8")
    assert not set("<>\"'\x00") & set(escape(text))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"])))
def test_ordinary_text_is_not_changed(text):
    assert clean(text) == text


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\ud800", "\x7f", "\x85", "\uffff"])
def test_what_no_file_can_hold_is_replaced(text):
    assert "\ufffd" in clean(text)


def test_markup_is_not_escaped_again():
    inner = element("b", "1 < 2")
    assert inner == "<b>1 &lt; 2</b>"
    assert element("p", inner) == "<p><b>1 &lt; 2</b></p>"
    assert join(["<", inner, None], ", ") == "&lt;, <b>1 &lt; 2</b>"
    assert isinstance(inner, Markup)


def test_text_that_was_added_to_markup_is_text_again():
    assert element("p", element("b", "x") + "<i>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"


def test_attributes():
    assert element("input", class_="a", aria_label="b", hidden=True, open=False, id=None) == (
        '<input class="a" aria-label="b" hidden/>'
    )
    assert element("td", colspan=0) == '<td colspan="0"></td>'
