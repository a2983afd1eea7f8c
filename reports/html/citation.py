"""How to cite: the repository's CITATION.cff as text and as BibTeX."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

_FILE: Final = Path(__file__).parents[2] / "CITATION.cff"
_SPECIAL: Final = re.compile(r"([&%$#_{}])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something to cite.

    Attributes:
        text: as a line of a list of references.
        bibtex: as an entry.
    """

    text: str
    bibtex: str


def sources(path: Path = _FILE) -> list[Source]:
    """The software and what it refers to, the software first."""
    told = cast(dict[str, Any], yaml.safe_load(path.read_text(encoding="utf-8")))
    return [_source(told), *(_source(reference) for reference in told.get("references", []))]


def _source(told: dict[str, Any]) -> Source:
    authors = [_name(author) for author in told["authors"]]
    title, version, year, url = (told.get(name) for name in ("title", "version", "year", "url"))
    url = url or told.get("repository-code")
    what = [", ".join(authors), title, f"version {version}" if version else None, year, url]
    fields = {
        "author": " and ".join(_bibtex_name(author) for author in told["authors"]),
        "title": f"{{{_escaped(str(title))}}}",
        "version": version,
        "year": year,
        "url": url,
    }
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    kind = "software" if told.get("type") == "software" else "misc"
    return Source(
        text=". ".join(str(part).rstrip(".") for part in what if part) + ".", bibtex=f"@{kind}{{{_key(told)},\n{body}}}"
    )


def _name(author: dict[str, str]) -> str:
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def _bibtex_name(author: dict[str, str]) -> str:
    if "name" in author:
        return f"{{{_escaped(author['name'])}}}"  # braces: a name of several words that is nobody's family name
    return f"{_escaped(author['family-names'])}, {_escaped(author['given-names'])}"


def _key(told: dict[str, Any]) -> str:
    first = told["authors"][0]
    word = str(told["title"]).split()[0] if "name" in first else first["family-names"]
    return re.sub(r"[^a-z0-9]", "", f"{word}{told.get('year', '')}".lower())


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
