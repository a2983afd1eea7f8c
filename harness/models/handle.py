"""A model that is named but not loaded until its weights are needed.

Everything that the store knows already costs neither weights nor GPU: a handle gives the fingerprint and the tokenizer
without them.
"""

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from harness.errors import ConfigError, ModelError, near_matches
from harness.models.fingerprint import tokenizer_fingerprint, weights_fingerprint
from harness.models.hub import download
from harness.models.loaded import LoadedModel
from harness.models.names import ModelName, resolve_name
from harness.models.shape import ModelShape, shape_of

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}
_ATTENTION = "sdpa"
_EXPECTED_FILE = "expected_verdicts.json"


class ModelHandle:
    """One model under one dtype on one device.

    Attributes:
        name: its id in tests and records.
        builtin: whether it came with this project.
        n_loads: how often its weights were loaded.
    """

    def __init__(
        self,
        name: ModelName,
        *,
        dtype: str = "float32",
        device: str = "auto",
        offline: bool = False,
        trust_remote_code: bool = False,
    ) -> None:
        """Checks the settings; reads and downloads nothing.

        Raises:
            ConfigError: a dtype or device that does not exist.
        """
        if dtype not in _DTYPES:
            raise ConfigError(f"no dtype {dtype!r}. {near_matches(dtype, _DTYPES)}", setting="dtype", value=dtype)
        self.name = name.id
        self.builtin = name.builtin
        self.n_loads = 0
        self.dtype = dtype
        self.device = _device(device)
        self._source = name
        self._offline = offline
        self._trust_remote_code = trust_remote_code
        self._loaded: LoadedModel | None = None

    @cached_property
    def folder(self) -> Path:
        """Where its files lie, downloaded first if need be."""
        if self._source.folder is not None:
            return self._source.folder
        assert self._source.hub_id is not None
        return download(
            self._source.hub_id,
            revision=self._source.revision,
            offline=self._offline or bool(os.environ.get("HF_HUB_OFFLINE")),
            with_code=self._trust_remote_code,
        )

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of configuration and weights."""
        return weights_fingerprint(self.folder)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer.

        Raises:
            ModelError: there is none that can be read.
        """
        try:
            return cast(
                PreTrainedTokenizerBase,
                AutoTokenizer.from_pretrained(self.folder, trust_remote_code=self._trust_remote_code),
            )
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise ModelError(f"{self.name!r} has no tokenizer that can be read: {error}", model=self.name) from error

    @cached_property
    def tokenizer_fingerprint(self) -> str:
        """Content hash of the tokenizer."""
        return tokenizer_fingerprint(self.tokenizer)

    @cached_property
    def context_length(self) -> int:
        """Most tokens that the model takes, from its configuration."""
        return int(
            self._config()["max_position_embeddings" if "max_position_embeddings" in self._config() else "n_positions"]
        )

    @cached_property
    def shape(self) -> ModelShape:
        """Its dimensions, from its configuration; no weights are read.

        Raises:
            ModelError: the configuration makes no model, or its family is unknown.
        """
        try:
            config = AutoConfig.from_pretrained(self.folder, trust_remote_code=self._trust_remote_code)
            with torch.device("meta"):
                empty = AutoModelForCausalLM.from_config(config, trust_remote_code=self._trust_remote_code)
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise ModelError(
                f"{self.name!r} has a config.json that makes no model: {error}", model=self.name
            ) from error
        loaded = LoadedModel(name=self.name, model=empty, tokenizer=self.tokenizer, fingerprint="")
        return shape_of(loaded, itemsize=_DTYPES[self.dtype].itemsize)

    @cached_property
    def expected(self) -> Mapping[tuple[str, str, str], str]:
        """(claim, localizer, threshold) -> verdict, which a built-in model carries; empty for any other."""
        path = self.folder / _EXPECTED_FILE if self.builtin else None
        if path is None or not path.exists():
            return {}
        rows = cast(list[dict[str, str]], json.loads(path.read_text(encoding="utf-8"))["verdicts"])
        return {(row["claim"], row["localizer"], row["threshold"]): row["verdict"] for row in rows}

    def loaded(self) -> LoadedModel:
        """The model with its weights, loaded at the first call.

        Raises:
            ModelError: the files do not make a model, or its family is unknown.
        """
        if self._loaded is None:
            self.n_loads += 1
            show_bars = transformers_logging.is_progress_bar_enabled()
            transformers_logging.disable_progress_bar()
            try:
                model: Any = AutoModelForCausalLM.from_pretrained(
                    self.folder,
                    dtype=_DTYPES[self.dtype],
                    attn_implementation=_ATTENTION,
                    trust_remote_code=self._trust_remote_code,
                    use_safetensors=True,
                    local_files_only=True,
                )
                model = model.to(self.device)
            except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
                raise ModelError(f"{self.name!r} cannot be loaded: {error}", model=self.name) from error
            finally:
                if show_bars:
                    transformers_logging.enable_progress_bar()
            self._loaded = LoadedModel(
                name=self.name, model=model, tokenizer=self.tokenizer, fingerprint=self.fingerprint
            )
        return self._loaded

    def release(self) -> None:
        """Drops the weights; the next `loaded` reads them again."""
        self._loaded = None

    def identity(self) -> dict[str, Any]:
        """What changes a number for given token ids: part of every store key."""
        return {
            "weights": self.fingerprint,
            "tokenizer": self.tokenizer_fingerprint,
            "dtype": self.dtype,
            "attention": _ATTENTION,
        }

    def describe(self) -> dict[str, Any]:
        """What the manifest of a run says of it."""
        commit = self.folder.name if self._source.hub_id else None
        return {
            **self.identity(),
            "source": self._source.hub_id or ("built in" if self.builtin else self.folder.name),
            "revision": commit,
            "device": str(self.device),
            "model_type": self._config().get("model_type"),
            "remote_code": self._trust_remote_code,
        }

    def _config(self) -> dict[str, Any]:
        try:
            return cast(dict[str, Any], json.loads((self.folder / "config.json").read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{self.name!r} has a config.json that cannot be read: {error}", model=self.name
            ) from error


def resolve_model(
    name: str,
    *,
    dtype: str = "float32",
    device: str = "auto",
    offline: bool = False,
    trust_remote_code: bool = False,
) -> ModelHandle:
    """A handle of the model that `name` stands for; nothing is downloaded or loaded yet.

    Raises:
        ModelError: nothing has that name, or the folder holds no model.
        ConfigError: a dtype or device that does not exist.
    """
    return ModelHandle(
        resolve_name(name),
        dtype=dtype,
        device=device,
        offline=offline,
        trust_remote_code=trust_remote_code,
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"no device {name!r}; try cpu, cuda or cuda:0", setting="device", value=name) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("no CUDA device is visible here; use --device cpu", setting="device", value=name)
    return device
