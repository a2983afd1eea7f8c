"""Brings a model from the Hugging Face hub, weights in safetensors only, and says plainly why it could not."""

import difflib
import errno
from pathlib import Path

from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from harness.errors import ModelError
from harness.models.files import MODEL_FILES, missing_files
from harness.models.names import ALIASES

PATIENCE = 10.0
"""Seconds until a hub that does not answer counts as out of reach; its client would wait for ever."""

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
_OTHER_FORMATS = ["original/*", "onnx/*", "*/*.safetensors"]


def download(hub_id: str, *, revision: str | None, offline: bool, with_code: bool) -> Path:
    """The folder of a model's files, downloaded if they are not in the cache; its name is the commit.

    Where the hub cannot be asked, what the cache has will do if it is complete.

    Args:
        hub_id: `owner/name`.
        revision: branch, tag or commit; the default branch if None.
        offline: look in the cache only.
        with_code: also bring the model's own Python files.

    Raises:
        ModelError: the model is gated, does not exist, or neither network nor cache has it.
    """
    refusal = None if offline else _refusal(hub_id, revision)
    try:
        folder = Path(
            snapshot_download(
                hub_id,
                revision=revision,
                local_files_only=offline or refusal is not None,
                allow_patterns=[*MODEL_FILES, *(["*.py"] if with_code else [])],
                ignore_patterns=_OTHER_FORMATS,
            )
        )
    except Exception as error:  # the client's own, httpx's, a full disk: what it may raise is no closed list
        message = _told(hub_id, revision, refusal or error) or (
            f"{hub_id} {'may not be fetched (--offline or HF_HUB_OFFLINE)' if offline else _why(refusal or error)}"
            f"{_lacking(error) if offline or refusal is not None else ''}. "
            f"Run `hf download {hub_id}` where there is a network, or pass the model's folder"
        )
        raise ModelError(message, model=hub_id) from error
    if missing := missing_files(folder):
        where = "the cache lacks" if offline or refusal is not None else "it has no"
        raise ModelError(f"{hub_id} cannot be used: {where} {', '.join(missing)}", model=hub_id)
    return folder


def _refusal(hub_id: str, revision: str | None) -> Exception | None:
    """Why the hub does not give the model, or None if it does."""
    try:
        HfApi().model_info(hub_id, revision=revision or constants.DEFAULT_REVISION, timeout=PATIENCE)
    except Exception as error:  # as above
        return error
    return None


def _told(hub_id: str, revision: str | None, error: Exception) -> str | None:
    """What the hub says of the model, if that is why: no better network would help."""
    if isinstance(error, GatedRepoError):
        return f"{hub_id} is gated: accept its licence at https://huggingface.co/{hub_id}, then run `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        where = f"https://huggingface.co/{hub_id}/tree/main"
        return f"{hub_id} has no revision {revision or 'main'!r}; its branches, tags and commits are listed at {where}"
    if isinstance(error, RepositoryNotFoundError):
        near = difflib.get_close_matches(hub_id, ALIASES.values(), n=1, cutoff=0.8)
        hint = f". Did you mean {near[0]}?" if near else ""
        return f"the hub has no model {hub_id!r}, or only for those who are logged in (`hf auth login`){hint}"
    return None


def _why(error: Exception) -> str:
    """What came in the way, as the end of a sentence that begins with the model."""
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, HfHubHTTPError):
        said = f" ({error.server_message})" if error.server_message else ""
        return (
            f"could not be fetched: the hub answers {error.response.status_code} {error.response.reason_phrase}{said}"
        )
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"could not be stored in {constants.HF_HUB_CACHE}: {error.strerror}"
    said = str(error).partition("\n")[0] or type(error).__name__
    if isinstance(error, ValueError):  # a malformed id, or an answer that is none
        return f"could not be fetched: {said}"
    return f"could not be fetched: no connection to {constants.ENDPOINT} ({said})"


def _lacking(error: Exception) -> str:
    """Which files are not in the cache: all, unless the client found a folder of them that is incomplete."""
    folder = getattr(error, "snapshot_path", None)
    if folder is None:
        return f", and the cache {constants.HF_HUB_CACHE} has none of its files"
    # Where configuration and weights are there, the client's first sentence says what else is missing.
    return f", and {folder} lacks {', '.join(missing_files(Path(folder))) or str(error).partition('. ')[0]}"
