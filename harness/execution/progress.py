"""How localization tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Receives the course of one localization; shows it, or keeps quiet."""

    def start(self, label: str, total: int, done: int) -> None:
        """A localization of `total` queries begins, of which `done` are in the store already."""
        ...

    def advance(self, queries: int) -> None:
        """That many more queries are done and stored."""
        ...

    def stop(self) -> None:
        """The localization has ended, or broken off."""
        ...

    def wait(self, label: str) -> None:
        """Another process localizes the same; there is nothing to do until it is done."""
        ...


class Quiet:
    """Shows nothing."""

    def start(self, label: str, total: int, done: int) -> None:
        """Keeps quiet."""

    def advance(self, queries: int) -> None:
        """Keeps quiet."""

    def stop(self) -> None:
        """Keeps quiet."""

    def wait(self, label: str) -> None:
        """Keeps quiet."""
