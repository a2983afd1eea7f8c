"""Names of the files of a report, which are made of words that stand in a record and may be anything."""

import re
from collections.abc import Iterable


def file_name(text: str) -> str:
    """The text with a dash for whatever a file's name had better not hold: it leads to no other folder."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")


def told_apart(names: Iterable[str]) -> list[str]:
    """The names in their order, one that would be another's with a number behind it; case does not count."""
    taken: set[str] = set()
    given: list[str] = []
    for asked in names:
        name, number = asked, 2
        while name.casefold() in taken:
            name, number = f"{asked}-{number}", number + 1
        taken.add(name.casefold())
        given.append(name)
    return given
