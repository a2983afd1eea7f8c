"""A model's folder behind a URL that fsspec can read, `s3://bucket/model` for one, and the copy of it on this machine.

Nodes that share no disk each make a copy of their own. Nothing rests on the copies being equal by luck: a shard is
refused where the fingerprint of the weights is not the one that was asked for.
"""

import hashlib
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import Any, Final

from fsspec.core import url_to_fs

from harness.data.download import cache_home
from harness.errors import ModelError
from harness.models.files import MODEL_FILES, missing_files

SEPARATOR: Final = "://"


def is_url(name: str) -> bool:
    """Whether a name is a URL and no path."""
    return SEPARATOR in name


def url_id(url: str) -> str:
    """What a model is called by: the last part of its URL."""
    return PurePosixPath(url.split(SEPARATOR, 1)[1]).name


def fetch_folder(url: str, *, offline: bool, with_code: bool) -> Path:
    """The folder on this machine that holds the files behind a URL, copied there unless that copy is there.

    A copy is found by the URL and by what the other side says of its files, so one that has changed is copied anew.

    Args:
        url: of a model's folder.
        offline: take the copy that was made last, without asking.
        with_code: also copy the model's own Python files.

    Raises:
        ModelError: the package for this kind of URL is missing, the files cannot be read or make no model, or there is
            no copy and the network may not be asked.
    """
    copies = cache_home() / "models" / _hashed(url)
    if offline:
        made = sorted(copies.glob("*/config.json"), key=lambda path: path.stat().st_mtime)
        if not made:
            raise ModelError(f"{url} may not be fetched (--offline), and {copies.parent} has no copy of it", model=url)
        return made[-1].parent
    try:
        return _copied(url, copies, (*MODEL_FILES, "*.py") if with_code else MODEL_FILES)
    except ImportError as error:
        scheme = url.split(SEPARATOR, 1)[0]
        raise ModelError(f"{url} needs the package that reads {scheme}{SEPARATOR} ({error})", model=url) from error
    except ModelError:
        raise
    except Exception as error:  # each kind of file system has errors of its own
        said = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"{url} could not be fetched: {said}", model=url) from error


def _copied(url: str, copies: Path, patterns: tuple[str, ...]) -> Path:
    system, root = url_to_fs(url)
    found: dict[str, Any] = {PurePosixPath(path).name: path for path in system.find(root, maxdepth=1)}
    names = sorted(name for name in found if any(PurePosixPath(name).match(pattern) for pattern in patterns))
    state = [(name, system.ukey(found[name])) for name in names]
    folder = copies / _hashed(repr(state))
    if folder.is_dir():
        return folder
    unfinished = copies / f".{folder.name}.{secrets.token_hex(4)}"
    unfinished.mkdir(parents=True)
    try:
        for name in names:
            system.get_file(found[name], str(unfinished / name))
        if missing := missing_files(unfinished):
            raise ModelError(f"{url} holds no model that can be used: it lacks {', '.join(missing)}", model=url)
        if not folder.is_dir():  # another process of this machine may have been quicker
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=10).hexdigest()
