"""Brings a model from the Hugging Face hub, weights in safetensors only, and says plainly why it could not."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from harness.errors import ModelError

_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
_OTHER_FORMATS = ["original/*", "onnx/*", "*/*.safetensors"]


def download(hub_id: str, *, revision: str | None, offline: bool, with_code: bool) -> Path:
    """The folder of a model's files, downloaded if they are not in the cache; its name is the commit.

    Args:
        hub_id: `owner/name`.
        revision: branch, tag or commit; the default branch if None.
        offline: look in the cache only.
        with_code: also bring the model's own Python files.

    Raises:
        ModelError: the model is gated, does not exist, or neither network nor cache has it.
    """
    try:
        folder = snapshot_download(
            hub_id,
            revision=revision,
            local_files_only=offline,
            allow_patterns=[*_FILES, "*.py"] if with_code else _FILES,
            ignore_patterns=_OTHER_FORMATS,
        )
    except GatedRepoError as error:
        raise ModelError(
            f"{hub_id} is gated: accept its licence at https://huggingface.co/{hub_id}, then run `hf auth login`",
            model=hub_id,
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(f"{hub_id} has no revision {revision!r}", model=hub_id) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"the hub has no model {hub_id!r}, or only for those who are logged in (`hf auth login`)", model=hub_id
        ) from error
    except LocalEntryNotFoundError as error:
        where = "is not in the cache and --offline was given" if offline else "could not be fetched: no network"
        raise ModelError(
            f"{hub_id} {where}. Run `hf download {hub_id}` where there is a network, or pass the model's folder",
            model=hub_id,
        ) from error
    except (OSError, ValueError) as error:  # httpx errors are OSErrors; a malformed id is a ValueError
        raise ModelError(f"{hub_id} could not be fetched: {error}", model=hub_id) from error
    if not list(Path(folder).glob("*.safetensors")):
        raise ModelError(f"{hub_id} has no weights in safetensors", model=hub_id)
    return Path(folder)
