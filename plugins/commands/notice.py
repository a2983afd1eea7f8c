"""Progress of a command, on stderr."""

import sys

from plugins.progress import waiting_line


class Notice:
    """Says that a model is at work, and on how much."""

    def start(self, label: str, total: int, done: int) -> None:
        """Says how much there is to do."""
        print(f"localizing {total - done} of {total} queries on {label} ...", file=sys.stderr)

    def advance(self, queries: int) -> None:
        """Keeps quiet."""

    def stop(self) -> None:
        """Keeps quiet."""

    def wait(self, label: str) -> None:
        """Says why nothing comes."""
        print(f"{waiting_line(label)} ...", file=sys.stderr)
