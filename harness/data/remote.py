"""What is fetched from its public home: which files, at which commit, of which content."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file and what it has to hold.

    Attributes:
        path: where it lies below the home's address, and below the folder that it is fetched into.
        size: in bytes.
        sha256: of its content, hexadecimal.
    """

    path: str
    size: int
    sha256: str

    def is_right(self, content: bytes) -> bool:
        """Whether the content is the one that was pinned."""
        return len(content) == self.size and hashlib.sha256(content).hexdigest() == self.sha256

    def lies_in(self, folder: Path) -> bool:
        """Whether the folder has it with the right content; one that cannot be read counts as missing."""
        try:
            path = folder / self.path
            return path.stat().st_size == self.size and self.is_right(path.read_bytes())
        except OSError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteData:
    """A dataset at a pinned commit of its public home.

    Attributes:
        name: what people call it.
        home: the page where it is published.
        licence: the terms under which it is published there.
        commit: what the files were taken from.
        url: address below which the paths of `files` lie, with a slash at its end.
        files: all of them.
        option: what a run is passed instead where somebody has a clone of the home.
    """

    name: str
    home: str
    licence: str
    commit: str
    url: str
    files: tuple[RemoteFile, ...]
    option: str = "--data=<the clone>"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def missing_from(self, folder: Path) -> tuple[RemoteFile, ...]:
        """The files that the folder lacks, or has with another content."""
        return tuple(file for file in self.files if not file.lies_in(folder))


def pararel() -> RemoteData:
    """ParaRel: 39 relations with patterns, 41 with facts.

    References:
        Elazar et al. 2021, Measuring and Improving Consistency in Pretrained Language Models.
    """
    return _pinned("pararel")


def wikitext2() -> RemoteData:
    """The test split of WikiText-2, in the variant whose rare words are `<unk>`; one line a paragraph or heading.

    References:
        Merity et al. 2017, Pointer Sentinel Mixture Models.
    """
    return _pinned("wikitext2")


def _pinned(name: str) -> RemoteData:
    """What the file beside this one says of a dataset."""
    fields: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))
    files = tuple(RemoteFile(path=path, **content) for path, content in fields.pop("files").items())
    return RemoteData(**fields, files=files)
