"""A model that is named but not loaded until its weights are needed.

Everything that the store knows already costs neither weights nor GPU: a handle gives the fingerprint and the tokenizer
without them.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub import is_offline_mode
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from harness.data.download import OnBytes
from harness.data.facts import Dataset
from harness.data.sources import EMBEDDED, PARAREL, load_dataset
from harness.errors import ConfigError, DataError, ModelError, near_matches
from harness.models.families import family_of
from harness.models.fingerprint import tokenizer_fingerprint, weights_fingerprint
from harness.models.hub import download
from harness.models.loaded import LoadedModel
from harness.models.names import BUILTIN_FOLDER, ModelName, resolve_name
from harness.models.organisms.folder import planted_folder
from harness.models.organisms.growing import grow
from harness.models.organisms.world import World

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}
_ATTENTION = "sdpa"
_CONTEXT_KEYS = ("max_position_embeddings", "n_positions")
_EXPECTED_FILE = "expected_verdicts.json"


class ModelHandle:
    """One model under one dtype on one device.

    Attributes:
        name: its id in tests and records.
        builtin: whether it came with this project.
        alias: the alias that it was asked for by, or None.
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
        self.alias = name.id if name.alias and name.revision is None else None
        self.n_loads = 0
        self.dtype = dtype
        self.device = _device(device)
        self._source = name
        self._offline = offline
        self._trust_remote_code = trust_remote_code
        self._loaded: LoadedModel | None = None

    @cached_property
    def folder(self) -> Path:
        """Where its files lie, downloaded or built first if need be."""
        if self._source.folder is not None:
            return self._source.folder
        if self._source.planted is not None:
            return planted_folder(self._source.planted)
        assert self._source.hub_id is not None
        return download(
            self._source.hub_id,
            revision=self._source.revision,
            offline=self._offline or is_offline_mode(),
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
        self._config()  # what is wrong with it is told as such
        try:
            tokenizer = cast(
                PreTrainedTokenizerBase,
                AutoTokenizer.from_pretrained(self.folder, trust_remote_code=self._trust_remote_code),
            )
        except Exception as error:  # a dozen kinds, by what is wrong with the file
            raise ModelError(f"{self.name!r} has no tokenizer that can be read: {error}", model=self.name) from error
        # Some families make one up that knows nothing but special tokens, and every query would be empty.
        if set(tokenizer.get_vocab().values()) <= set(tokenizer.all_special_ids):
            raise ModelError(
                f"{self.name!r} has no tokenizer: {self.folder} lacks tokenizer.json, or what its kind reads instead",
                model=self.name,
            )
        return tokenizer

    @cached_property
    def tokenizer_fingerprint(self) -> str:
        """Content hash of the tokenizer."""
        return tokenizer_fingerprint(self.tokenizer)

    @cached_property
    def context_length(self) -> int:
        """Most tokens that the model takes, from its configuration.

        Raises:
            ModelError: the configuration does not say.
        """
        config = self._config()
        length = next((config[key] for key in _CONTEXT_KEYS if key in config), None)
        if not isinstance(length, int) or length < 1:
            raise ModelError(
                f"the config.json of {self.name!r} should say in {' or '.join(_CONTEXT_KEYS)} how many tokens the model"
                f" takes, got {length!r}",
                model=self.name,
            )
        return length

    @cached_property
    def family(self) -> str:
        """The model type of its configuration; empty if that has none."""
        return str(self._config().get("model_type", ""))

    @cached_property
    def n_parameters(self) -> int:
        """How many parameters it has, shared ones counted once; from its configuration, without its weights.

        Raises:
            ModelError: the configuration makes no model.
        """
        try:
            code = self._trust_remote_code
            config = AutoConfig.from_pretrained(self.folder, trust_remote_code=code, local_files_only=True)
            with torch.device("meta"):
                model: Any = AutoModelForCausalLM.from_config(config, trust_remote_code=code)
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise ModelError(f"the size of {self.name!r} cannot be told: {error}", model=self.name) from error
        return sum(parameter.numel() for parameter in model.parameters())

    @cached_property
    def expected(self) -> Mapping[tuple[str, str, str], str]:
        """(claim, localizer, threshold) -> verdict, which a built-in model carries; empty for any other."""
        path = BUILTIN_FOLDER / self._source.id / _EXPECTED_FILE
        if not self.builtin or not path.exists():
            return {}
        rows = cast(list[dict[str, str]], json.loads(path.read_text(encoding="utf-8"))["verdicts"])
        return {(row["claim"], row["localizer"], row["threshold"]): row["verdict"] for row in rows}

    @property
    def world(self) -> World | None:
        """The truth about a planted model: its facts and the neurons that hold them; None for any other."""
        return None if self._source.planted is None else grow(self._source.planted.recipe)

    def facts_source(self, asked: str | None) -> str:
        """What the facts are called that it is asked for: its own, if it came with the project and no others are named.

        Raises:
            DataError: it is a planted model, which speaks no language but its own.
        """
        if self._source.planted is None:
            return asked or (EMBEDDED if self.builtin else PARAREL)
        if asked is not None:
            raise DataError(f"{self.name} knows no words but those of its own facts; leave out --data={asked}")
        return self._source.planted.recipe.name

    def dataset(self, source: str, *, offline: bool = False, on_bytes: OnBytes | None = None) -> Dataset:
        """The facts of that source; see `load_dataset`.

        Args:
            source: as `facts_source` gives it.
            offline: never ask the network.
            on_bytes: told how far fetching is.

        Raises:
            DataError: they cannot be read.
        """
        if self.world is not None:
            return self.world.dataset
        return load_dataset(source, offline=offline, on_bytes=on_bytes)

    def loaded(self) -> LoadedModel:
        """The model with its weights, loaded at the first call.

        Raises:
            ModelError: the files do not make a model, or its family is unknown.
        """
        if self._loaded is None:
            family_of(str(self._config()["model_type"]), model=self.name)  # before gigabytes are read
            self.n_loads += 1
            model = self._read_weights().to(self.device)
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
            "model_type": self.family,
            "remote_code": self._trust_remote_code,
        }

    def _read_weights(self) -> Any:
        """The model as its files say it is: where a weight is missing, transformers would draw it at random."""
        with _quiet_transformers():
            try:
                model, found = AutoModelForCausalLM.from_pretrained(
                    self.folder,
                    dtype=_DTYPES[self.dtype],
                    attn_implementation=_ATTENTION,
                    trust_remote_code=self._trust_remote_code,
                    use_safetensors=True,
                    local_files_only=True,
                    ignore_mismatched_sizes=True,  # told below, in one sentence
                    output_loading_info=True,
                )
            except SafetensorError as error:
                raise ModelError(
                    f"the weights of {self.name!r} are damaged or cut short ({error}); copy or download them again",
                    model=self.name,
                ) from error
            except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError) as error:
                raise ModelError(f"{self.name!r} cannot be loaded: {error}", model=self.name) from error
        missing, misshapen = sorted(found["missing_keys"]), sorted(key for key, *_ in found["mismatched_keys"])
        if missing or misshapen:
            raise ModelError(
                f"the weights of {self.name!r} are not those of its config.json: {len(missing)} are missing and"
                f" {len(misshapen)} have another shape, such as {(missing + misshapen)[0]}",
                model=self.name,
            )
        if unused := sorted(found["unexpected_keys"]):
            warnings.warn(f"{self.name}: {len(unused)} weights have no use, such as {unused[0]}", stacklevel=3)
        return model

    def _config(self) -> dict[str, Any]:
        try:
            config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{self.name!r} has a config.json that cannot be read: {error}", model=self.name
            ) from error
        if not isinstance(config, dict) or "model_type" not in config:
            raise ModelError(
                f"the config.json of {self.name!r} should be a JSON object with a model_type", model=self.name
            )
        return cast(dict[str, Any], config)


@contextmanager
def _quiet_transformers() -> Iterator[None]:
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
