"""Where the files of a model lie, whatever it was named by."""

from pathlib import Path

from huggingface_hub import is_offline_mode

from harness.models.hub import download
from harness.models.names import ModelName
from harness.models.organisms.folder import planted_folder
from harness.models.remote import fetch_folder


def folder_of(name: ModelName, *, offline: bool, with_code: bool) -> Path:
    """The folder of a model, downloaded or built first if need be.

    Args:
        name: what the model's name stands for.
        offline: never ask the network.
        with_code: fetch the model's own code too.

    Raises:
        ModelError: it cannot be fetched.
    """
    if name.folder is not None:
        return name.folder
    if name.planted is not None:
        return planted_folder(name.planted)
    if name.url is not None:
        return fetch_folder(name.url, offline=offline, with_code=with_code)
    assert name.hub_id is not None
    return download(name.hub_id, revision=name.revision, offline=offline or is_offline_mode(), with_code=with_code)
