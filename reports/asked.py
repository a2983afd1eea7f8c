"""Which forms of a report can be asked for; apart, because reading options must not import what writes them."""

from collections.abc import Sequence
from typing import Final

from harness.errors import ConfigError, near_matches

FORMATS: Final = ("md", "html", "latex", "csv", "figures")
"""A page in Markdown, a page for browsers, tables as LaTeX, tables as CSV, figures as SVG, PNG and CSV."""

ALL: Final = "all"


def check_formats(names: Sequence[str], setting: str) -> tuple[str, ...]:
    """The formats, each once; `all` stands for every one.

    Raises:
        ConfigError: no such format; the text names the setting.
    """
    for name in names:
        if name not in (*FORMATS, ALL):
            known = near_matches(name, (*FORMATS, ALL))
            raise ConfigError(f"--{setting} cannot be {name!r}. {known}", setting=setting, value=name)
    return FORMATS if ALL in names else tuple(dict.fromkeys(names))
