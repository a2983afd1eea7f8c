"""Fetches data file by file into a cache, checks the content of each, and never fetches again what is there.

A file is written under a temporary name and renamed when its content is known to be right, so what lies under its name
can be used, whatever happened to the process that fetched it.
"""

import os
import urllib.request
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from threading import Event
from typing import Final
from urllib.error import HTTPError

import platformdirs

from harness.atomic import write_atomically
from harness.data.remote import RemoteData, RemoteFile
from harness.errors import DataError

HOME_VARIABLE: Final = "KNTESTS_HOME"
"""Environment variable that names the cache folder."""

OnBytes = Callable[[int, int], None]
"""Told how many bytes are there, and of how many: at the start and after every file, by one thread."""

_AT_ONCE: Final = 4
_TEMPORARY: Final = (408, 429)
_NAMES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an address is given.

    Attributes:
        timeout: seconds without a byte before an attempt counts as failed.
        attempts: how often a file is asked for.
        pause: seconds before the second attempt; every further one doubles it.
    """

    timeout: float = 10.0
    attempts: int = 4
    pause: float = 0.5


def cache_home() -> Path:
    """Folder of everything fetched: `KNTESTS_HOME`, else the platform's folder for caches."""
    chosen = os.environ.get(HOME_VARIABLE, "").strip()
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("kntests", appauthor=False)


def cache_folder(data: RemoteData) -> Path:
    """Where the cache keeps `data`; another commit lies in another folder."""
    return cache_home() / data.name.lower() / data.commit


def fetch(
    data: RemoteData,
    folder: Path,
    *,
    mirror: str | None = None,
    offline: bool = False,
    on_bytes: OnBytes | None = None,
    patience: Patience | None = None,
) -> int:
    """Brings into `folder` the files that it lacks, or has with another content.

    Args:
        data: what has to be there.
        folder: where to.
        mirror: another address below which the same paths lie; the content is checked as ever.
        offline: do not ask the network.
        on_bytes: told how far it is.
        patience: how long to try.

    Returns:
        how many files were fetched.

    Raises:
        DataError: a file is missing and cannot be fetched, is not what it should be, or cannot be written. What was
            fetched until then stays, and the same call goes on from there.
    """
    missing = data.missing_from(folder)
    done = data.size - sum(file.size for file in missing)
    if on_bytes is not None:
        on_bytes(done, data.size)
    if not missing:
        return 0
    if offline:
        raise DataError(_offline(data, folder, missing))
    files = _Files(folder, (mirror or data.url).rstrip("/") + "/", patience or Patience())
    try:
        with closing(files.fetch(missing)) as arriving:
            for file in arriving:
                done += file.size
                if on_bytes is not None:
                    on_bytes(done, data.size)
    except _NotFetchedError as error:
        raise DataError(_broken_off(data, folder, error)) from error
    return len(missing)


class _NotFetchedError(Exception):
    """A file that could not be fetched; its text is the address and why."""


class _WorthAnotherTryError(Exception):
    """An attempt that failed for a reason that may pass."""


class _Files:
    """Fetches files from one address into one folder, some of them at once."""

    def __init__(self, folder: Path, address: str, patience: Patience) -> None:
        self._folder = folder
        self._address = address
        self._patience = patience
        self._stop = Event()

    def fetch(self, files: Sequence[RemoteFile]) -> Generator[RemoteFile]:
        """Gives each file when it is written; one that cannot be had, or an interruption, ends the others too."""
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            running = {pool.submit(self._fetch_one, file): file for file in files}
            for finished in as_completed(running):
                finished.result()
                yield running[finished]
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)

    def _fetch_one(self, file: RemoteFile) -> None:
        url, reason = self._address + file.path, "interrupted"
        for attempt in range(self._patience.attempts):
            pause = self._patience.pause * 2 ** (attempt - 1) if attempt else 0.0
            if self._stop.wait(pause):
                break
            try:
                content = self._ask(url, file.size + 1)
            except _WorthAnotherTryError as error:
                reason = str(error)
                continue
            if file.is_right(content):
                _write(self._folder / file.path, content)
                return
            reason = _difference(file, content)
        raise _NotFetchedError(f"{url}: {reason}")

    def _ask(self, url: str, at_most: int) -> bytes:
        try:
            with urllib.request.urlopen(url, timeout=self._patience.timeout) as response:
                return response.read(at_most)
        except HTTPError as error:
            error.close()
            kind = _WorthAnotherTryError if error.code >= 500 or error.code in _TEMPORARY else _NotFetchedError
            where = "" if kind is _WorthAnotherTryError else f"{url}: "
            raise kind(f"{where}the server answers {error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            why = getattr(error, "reason", None) or error or type(error).__name__
            raise _WorthAnotherTryError(f"no connection ({why})") from error
        except ValueError as error:  # an address that is none
            raise _NotFetchedError(f"{url}: {error}") from error


def _difference(file: RemoteFile, content: bytes) -> str:
    """What is wrong with a content."""
    if len(content) < file.size:
        return f"only {len(content):,} of {file.size:,} bytes came: the connection was cut, or it is another file"
    return f"what came is not the file that was pinned: its SHA-256 is not {file.sha256}"


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise DataError(
            f"the cache cannot be written: {error.strerror}. Set {HOME_VARIABLE} to a folder where there is room and"
            " which can be written",
            path=path.parent,
        ) from error


def _offline(data: RemoteData, folder: Path, missing: Sequence[RemoteFile]) -> str:
    named = ", ".join(file.path for file in missing[:_NAMES_SHOWN])
    more = f" and {len(missing) - _NAMES_SHOWN} more" if len(missing) > _NAMES_SHOWN else ""
    return (
        f"{data.name} may not be fetched (--offline), and {len(missing)} of its {len(data.files)} files are missing or"
        f" damaged in {folder}: {named}{more}. {_what_to_do(data, folder)}"
    )


def _broken_off(data: RemoteData, folder: Path, error: _NotFetchedError) -> str:
    here = len(data.files) - len(data.missing_from(folder))
    return (
        f"{data.name} could not be fetched. {error}. {here} of {len(data.files)} files are in {folder}; the same"
        f" command fetches the rest. {_what_to_do(data, folder)}"
    )


def _what_to_do(data: RemoteData, folder: Path) -> str:
    return (
        f"Where there is no network: run `kntests fetch {data.name.lower()}` on a machine that has one and copy the"
        f" folder that it names to {folder}, or clone {data.home} and pass --data=<the clone>"
    )
