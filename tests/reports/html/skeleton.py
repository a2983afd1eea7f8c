"""The elements of a page without its words: what data must never change."""

from html.parser import HTMLParser

_FREE = {"title", "value", "data-value", "data-label", "aria-label", "id", "popovertarget", "href", "datetime"}
"""Attributes that may carry text from data, or numbers of hints."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.words: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name if name in _FREE else f"{name}={value}" for name, value in attrs)))
        self.attributes += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", (data,)))


def read(page: str) -> _Reader:
    """Elements with their attributes, texts, and values of attributes."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader
