"""Running text that perplexity is measured on: what `--perplexity-text` names.

A passage is a paragraph on a line of its own; empty lines and headings such as ` = Early years = ` are none.
"""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np

from harness.data.download import OnBytes, cache_folder, fetch
from harness.data.remote import wikitext2
from harness.errors import DataError, near_matches

EMBEDDED_TEXT: Final = "embedded"
WIKITEXT2: Final = "wikitext2"
_EMBEDDED_FILE: Final = Path(__file__).parent / "embedded" / "passages.txt"


def load_passages(source: str, *, offline: bool = False, on_bytes: OnBytes | None = None) -> tuple[str, ...]:
    """Reads the passages that `source` names; fetches WikiText-2 first if the cache lacks it.

    Args:
        source: `embedded`, `wikitext2`, or the path of a UTF-8 text file with one passage a line.
        offline: never ask the network.
        on_bytes: told how far fetching is.

    Raises:
        DataError: nothing of that name, it cannot be fetched or read, or it holds no passage.
    """
    path = _path(source, offline=offline, on_bytes=on_bytes)
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


def _path(source: str, *, offline: bool, on_bytes: OnBytes | None) -> Path:
    if source == EMBEDDED_TEXT:
        return _EMBEDDED_FILE
    if source == WIKITEXT2:
        data = wikitext2()
        fetch(data, cache_folder(data), offline=offline, on_bytes=on_bytes)
        return cache_folder(data) / data.files[0].path
    path = Path(source).expanduser()
    if not path.is_file():
        raise DataError(
            f"no text called {source!r}. {near_matches(source, [EMBEDDED_TEXT, WIKITEXT2])} A file of your own has one"
            " passage a line."
        )
    return path


def _is_heading(line: str) -> bool:
    return line.startswith("= ") and line.endswith(" =")
