"""Reads a model's weights, and says in one sentence what is wrong with them."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from harness.errors import ModelError


def read_weights(auto_class: Any, folder: Path, *, name: str, **settings: Any) -> Any:
    """The model as its files say it is: where a weight is missing, transformers would draw it at random.

    Args:
        auto_class: transformers' class for this kind of model.
        folder: where its files lie.
        name: the model's, for errors.
        settings: what else `from_pretrained` takes, such as the dtype.

    Raises:
        ModelError: the files do not make the model of their configuration.
    """
    with _quiet_transformers():
        try:
            model, found = auto_class.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # told below, in one sentence
                output_loading_info=True,
                **settings,
            )
        except SafetensorError as error:
            raise ModelError(
                f"the weights of {name!r} are damaged or cut short ({error}); copy or download them again", model=name
            ) from error
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError) as error:
            raise ModelError(f"{name!r} cannot be loaded: {error}", model=name) from error
    missing, misshapen = sorted(found["missing_keys"]), sorted(key for key, *_ in found["mismatched_keys"])
    if missing or misshapen:
        raise ModelError(
            f"the weights of {name!r} are not those of its config.json: {len(missing)} are missing and"
            f" {len(misshapen)} have another shape, such as {(missing + misshapen)[0]}",
            model=name,
        )
    if unused := sorted(found["unexpected_keys"]):
        warnings.warn(f"{name}: {len(unused)} weights have no use, such as {unused[0]}", stacklevel=4)
    return model


@contextmanager
def _quiet_transformers() -> Generator[None]:
    """No progress bar and no report of keys: what matters of it is an error or a warning of ours."""
    bars, verbosity = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
