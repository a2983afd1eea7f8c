"""A model's folder read: configuration, tokenizer, weights; what is wrong with a file is told in one sentence."""

import json
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import CONFIG_MAPPING, AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from harness.errors import ModelError
from harness.models.files import distributed_weights, foreign_weights
from harness.models.placement import DeviceMap, check_placed

# What transformers raises for files that are not what they should be.
_FAULTS = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)


def read_config(folder: Path, *, name: str, trust_remote_code: bool) -> Any:
    """The configuration.

    Args:
        folder: of the model.
        name: of the model, for errors.
        trust_remote_code: whether code of the folder may run.

    Raises:
        ModelError: it cannot be read, or does not say what kind of model it is.
    """
    try:
        plain = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not isinstance(plain, dict) or "model_type" not in plain:
            raise ModelError(f"the config.json of {name!r} should be a JSON object with a model_type", model=name)
        if plain["model_type"] not in CONFIG_MAPPING and "auto_map" not in plain:
            raise ModelError(
                f"{name!r} is of the family {plain['model_type']!r}, which the installed version of transformers does"
                " not know",
                model=name,
            )
        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
    except ModelError:
        raise
    except Exception as error:  # a dozen kinds, by what is wrong with the file
        why = " ".join(str(error).split())
        raise ModelError(f"{name!r} has a config.json that cannot be read: {why}", model=name) from error


def read_tokenizer(folder: Path, *, name: str, trust_remote_code: bool) -> PreTrainedTokenizerBase:
    """The tokenizer.

    Raises:
        ModelError: there is none that can be read.
    """
    try:
        tokenizer = cast(
            PreTrainedTokenizerBase, AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
        )
    except Exception as error:  # a dozen kinds, by what is wrong with the file
        raise ModelError(f"{name!r} has no tokenizer that can be read: {error}", model=name) from error
    # Some families make one up that knows nothing but special tokens, and every query would be empty.
    if set(tokenizer.get_vocab().values()) <= set(tokenizer.all_special_ids):
        raise ModelError(
            f"{name!r} has no tokenizer: {folder} lacks tokenizer.json, or what its kind reads instead", model=name
        )
    return tokenizer


def read_weights(
    folder: Path,
    auto_class: Any,
    *,
    name: str,
    dtype: torch.dtype,
    attention: str,
    device_map: DeviceMap | None,
    trust_remote_code: bool,
) -> Any:
    """The model as its files say it is: where a weight is missing, transformers would draw it at random.

    Args:
        folder: of the model.
        auto_class: transformers' class that reads models of this kind.
        name: of the model, for errors.
        dtype: of the weights.
        attention: transformers' attention implementation.
        device_map: where its blocks go; None for the host.
        trust_remote_code: whether code of the folder may run.

    Raises:
        ModelError: the weights are damaged, are not those of the configuration, or do not fit on the devices.
    """
    _check_weight_files(folder, name)
    with quiet_transformers():
        try:
            model, found = auto_class.from_pretrained(
                folder,
                dtype=dtype,
                attn_implementation=attention,
                device_map=device_map,
                trust_remote_code=trust_remote_code,
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # told below, in one sentence
                output_loading_info=True,
            )
        except SafetensorError as error:
            raise ModelError(
                f"the weights of {name!r} are damaged or cut short ({error}); copy or download them again", model=name
            ) from error
        except _FAULTS as error:
            raise ModelError(f"{name!r} cannot be loaded: {error}", model=name) from error
    missing, misshapen = sorted(found["missing_keys"]), sorted(key for key, *_ in found["mismatched_keys"])
    if missing or misshapen:
        raise ModelError(
            f"the weights of {name!r} are not those of its config.json: {len(missing)} are missing and"
            f" {len(misshapen)} have another shape, such as {(missing + misshapen)[0]}",
            model=name,
        )
    if unused := sorted(found["unexpected_keys"]):
        warnings.warn(f"{name}: {len(unused)} weights have no use, such as {unused[0]}", stacklevel=3)
    check_placed(model, name=name)
    return model


def _check_weight_files(folder: Path, name: str) -> None:
    """Makes sure that only safetensors files of the folder are read, all of which are in its fingerprint.

    Raises:
        ModelError: something else would be read.
    """
    if foreign := foreign_weights(folder):
        raise ModelError(
            f"{name!r} names {foreign[0]!r} among its weights, which is no safetensors file of its folder; nothing else"
            " is read",
            model=name,
        )
    if pieces := distributed_weights(folder):
        raise ModelError(
            f"the weights of {name!r} are in torch's distributed form ({pieces[0]}); write them with save_pretrained",
            model=name,
        )


def without_weights(config: Any, auto_class: Any, *, name: str, attention: str, trust_remote_code: bool) -> Any:
    """The model that a configuration describes, on the meta device: shapes cost nothing.

    The attention implementation is given as it is for weights: one that a configuration names may be code of the hub.

    Raises:
        ModelError: the configuration makes no model.
    """
    try:
        with torch.device("meta"):
            return auto_class.from_config(config, attn_implementation=attention, trust_remote_code=trust_remote_code)
    except _FAULTS as error:
        raise ModelError(f"the config.json of {name!r} makes no model: {error}", model=name) from error


@contextmanager
def quiet_transformers() -> Generator[None]:
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
