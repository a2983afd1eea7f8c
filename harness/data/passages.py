"""Running text that perplexity is measured on: what `--perplexity-text` names.

A passage is a paragraph on a line of its own; empty lines and headings such as ` = Early years = ` are none. A text is
what its passages are, wherever they lie: two files with the same ones are the same text.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from harness.data.download import OnBytes, cache_folder, fetch
from harness.data.remote import wikitext2
from harness.errors import DataError, near_matches
from harness.paths import existing_file, existing_folder

EMBEDDED_TEXT: Final = "embedded"
WIKITEXT2: Final = "wikitext2"
_EMBEDDED_FILE: Final = Path(__file__).parent / "embedded" / "passages.txt"


def load_passages(source: str, *, offline: bool = False, on_bytes: OnBytes | None = None) -> tuple[str, ...]:
    """Reads the passages that `source` names; fetches WikiText-2 first if the cache lacks it.

    Args:
        source: `embedded`, `wikitext2`, or the path of a UTF-8 text file with one passage a line, or of a folder that
            holds one as WikiText-2 is published.
        offline: never ask the network.
        on_bytes: told how far fetching is.

    Raises:
        DataError: nothing of that name, it cannot be fetched or read, or it holds no passage.
    """
    path = _path(source)
    if path is None:
        data = wikitext2()
        fetch(data, cache_folder(data), offline=offline, on_bytes=on_bytes)
        path = cache_folder(data) / data.files[0].path
    return _read(path)


def check_text(source: str, *, offline: bool = False) -> None:
    """Raises DataError if `load_passages` must fail; fetches nothing, so a download may fail later still."""
    if _path(source) is not None or offline:
        load_passages(source, offline=True)


def text_fingerprint(passages: Sequence[str]) -> str:
    """Hash of the passages in their order, so that a text is known by its content."""
    return hashlib.blake2b("\n".join(passages).encode(), digest_size=16).hexdigest()


def _read(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read as UTF-8 text: {error}", path=path) from error
    passages = tuple(text for line in lines if (text := line.strip()) and not _is_heading(text))
    if not passages:
        raise DataError("it holds no passage: one paragraph a line is expected", path=path)
    return passages


def draw_passages(n_passages: int, fact_uid: str, seed: int, *, n: int = 5) -> tuple[int, ...]:
    """Which passages a fact's edits are measured on: drawn without replacement, the same for every edit of the fact.

    Args:
        n_passages: how many there are to draw from.
        fact_uid: of the fact that is edited.
        seed: of the session.
        n: how many to draw; all of them where there are no more.

    Returns:
        Indices, rising.
    """
    key = int.from_bytes(hashlib.blake2b(fact_uid.encode(), digest_size=8, person=b"passages").digest())
    chosen = np.random.default_rng([seed, key]).choice(n_passages, size=min(n, n_passages), replace=False)
    return tuple(sorted(chosen.tolist()))


def _path(source: str) -> Path | None:
    """The file of a text; None for WikiText-2, which the cache may lack."""
    if source == EMBEDDED_TEXT:
        return _EMBEDDED_FILE
    if source == WIKITEXT2:
        return None
    folder = existing_folder(source)
    if folder is None and (path := existing_file(source)) is not None:
        return path
    if folder is None:
        raise DataError(
            f"no text called {source!r}. {near_matches(source, [EMBEDDED_TEXT, WIKITEXT2])} A file of your own has one"
            " passage a line."
        )
    published = Path(wikitext2().files[0].path)
    found = next((folder / path for path in (published.name, published) if (folder / path).is_file()), None)
    if found is None:
        raise DataError(
            f"a folder without a {published.name}, which is what WikiText-2 is in: give that folder, or the file itself"
            " that perplexity is to be measured on, one passage a line",
            path=folder,
        )
    return found


def _is_heading(line: str) -> bool:
    return line.startswith("= ") and line.endswith(" =")
