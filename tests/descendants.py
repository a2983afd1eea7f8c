"""The processes that a process has started, and those that these have."""

from pathlib import Path


def descendants(process: int) -> dict[int, str]:
    """Command line of each live one, by its number."""
    children: dict[int, list[int]] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        children.setdefault(parent, []).append(int(folder.name))
    below, found = [process], dict[int, str]()
    while below:
        started = children.get(below.pop(), [])
        below += started
        found |= {number: names[number] for number in started if names.get(number)}
    return found
