"""The elements of a page without its words: what data must never change."""

from html.parser import HTMLParser

_FREE = {"title", "value", "data-value", "data-label", "aria-label", "id", "popovertarget", "href", "datetime"}
"""Attributes that may carry text from data, or numbers of hints."""


class Reader(HTMLParser):
    """What a page consists of.

    Attributes:
        elements: each with its attributes, those of drawings aside.
        drawn: names of elements and attributes in drawings, where a longer word moves every line.
        words: all texts.
        attributes: values of all attributes.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.drawn: set[tuple[str, str]] = set()
        self.words: list[str] = []
        self.attributes: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = self._inside or tag == "svg"
        if self._inside:
            self.drawn |= {(tag, name) for name, _ in attrs}
        else:
            self.elements.append((tag, tuple(name if name in _FREE else f"{name}={value}" for name, value in attrs)))
        self.attributes += [value or "" for _, value in attrs]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "svg"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", (data,)))


def read(page: str) -> Reader:
    """Reads a page, or a part of one."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader
