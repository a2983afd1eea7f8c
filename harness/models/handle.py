"""A model that is named but not loaded until its weights are needed.

Everything that the store knows already costs neither weights nor GPU: a handle gives the fingerprint and the tokenizer
without them.
"""

import copy
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, PreTrainedTokenizerBase

from harness.data.facts import QueryForm
from harness.errors import ModelError
from harness.models.adapters import describe
from harness.models.checkpoint import read_config, read_tokenizer, read_weights, without_weights
from harness.models.context import context_length
from harness.models.expected import expected_verdicts
from harness.models.families import Family, family_of
from harness.models.fingerprint import code_fingerprint, tokenizer_fingerprint, weights_fingerprint
from harness.models.folder_of import folder_of
from harness.models.loaded import LoadedModel
from harness.models.names import ModelName, resolve_name
from harness.models.organisms.growing import grow
from harness.models.organisms.world import World
from harness.models.placement import DTYPES, DeviceMap, check_device_map, check_dtype, choose_device
from harness.models.shape import ModelShape, shape_of


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
        device_map: DeviceMap | None = None,
        adapter: Family | None = None,
        offline: bool = False,
        trust_remote_code: bool = False,
    ) -> None:
        """Checks the settings; reads and downloads nothing.

        Raises:
            ConfigError: a dtype or device that does not exist, or a device map that cannot be used.
        """
        check_dtype(dtype)
        self.name = name.id
        self.builtin = name.builtin
        self.alias = name.id if name.alias and name.revision is None else None
        self.n_loads = 0
        self.dtype = dtype
        self.device = choose_device(device)
        self.device_map = device_map
        if device_map is not None:
            check_device_map(device_map, device=device)
        self._asked_device = device
        self._adapter = adapter
        self._source = name
        self._offline = offline
        self._trust_remote_code = trust_remote_code
        self._loaded: LoadedModel | None = None

    @cached_property
    def folder(self) -> Path:
        """Where its files lie, downloaded or built first if need be."""
        return folder_of(self._source, offline=self._offline, with_code=self._trust_remote_code)

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
        _ = self.config  # what is wrong with it is told as such
        return read_tokenizer(self.folder, name=self.name, trust_remote_code=self._trust_remote_code)

    @cached_property
    def tokenizer_fingerprint(self) -> str:
        """Content hash of the tokenizer."""
        return tokenizer_fingerprint(self.tokenizer)

    @cached_property
    def config(self) -> Any:
        """Its configuration.

        Raises:
            ModelError: it cannot be read.
        """
        return read_config(self.folder, name=self.name, trust_remote_code=self._trust_remote_code)

    @cached_property
    def family(self) -> Family:
        """The row of its family.

        Raises:
            ModelError: no row describes it.
        """
        return family_of(self.config, model=self.name, adapter=self._adapter)

    @cached_property
    def context_length(self) -> int | None:
        """Most tokens that the model takes at once, from its configuration; None for no limit.

        Raises:
            ModelError: the configuration says nonsense.
        """
        length = context_length(self.config)
        if length is not None and length < 1:
            raise ModelError(
                f"the config.json of {self.name!r} says that the model takes {length} tokens at once", model=self.name
            )
        return length

    @property
    def query_form(self) -> QueryForm:
        """What it can be asked: a beginning to be continued, or a sentence with a gap."""
        return QueryForm.CLOZE if self.family.masked else QueryForm.CONTINUATION

    @cached_property
    def shape(self) -> ModelShape:
        """Its dimensions, from its configuration; no weights are read.

        Raises:
            ModelError: the configuration makes no model, or its family's row does not fit.
        """
        empty = without_weights(
            self.config,
            self._auto_class,
            name=self.name,
            attention=self.family.attention,
            trust_remote_code=self._trust_remote_code,
        )
        parts = LoadedModel(
            name=self.name, model=empty, tokenizer=self.tokenizer, fingerprint="", adapter=self._adapter
        )
        return shape_of(parts, itemsize=DTYPES[self.dtype].itemsize, device=self.device)

    @cached_property
    def expected(self) -> Mapping[tuple[str, str, str], str]:
        """(claim, localizer, threshold) -> verdict, which a built-in model carries; empty for any other."""
        return expected_verdicts(self._source.id) if self.builtin else {}

    @property
    def facts_of_its_own(self) -> str | None:
        """What its facts are called, if it is a planted model, which speaks no language but its own."""
        return None if self._source.planted is None else self._source.planted.recipe.name

    @property
    def world(self) -> World | None:
        """The truth about a planted model: its facts and the neurons that hold them; None for any other."""
        return None if self._source.planted is None else grow(self._source.planted.recipe)

    def loaded(self) -> LoadedModel:
        """The model with its weights, loaded at the first call.

        Raises:
            ModelError: the files do not make a model, or its family is unknown.
        """
        if self._loaded is None:
            attention = self.family.attention  # an unknown family is told before gigabytes are read
            self.n_loads += 1
            model = read_weights(
                self.folder,
                self._auto_class,
                name=self.name,
                dtype=DTYPES[self.dtype],
                attention=attention,
                device_map=self.device_map,
                trust_remote_code=self._trust_remote_code,
            )
            self._loaded = LoadedModel(
                name=self.name,
                model=model.to(self.device) if self.device_map is None else model,
                tokenizer=self.tokenizer,
                fingerprint=self.fingerprint,
                adapter=self._adapter,
            )
        return self._loaded

    def release(self) -> None:
        """Drops the weights; the next `loaded` reads them again."""
        self._loaded = None

    def in_dtype(self, dtype: str) -> "ModelHandle":
        """The same model with weights of another precision; shares nothing that is loaded.

        Raises:
            ConfigError: a dtype that does not exist.
        """
        check_dtype(dtype)
        other = copy.copy(self)
        other.dtype, other.n_loads, other._loaded = dtype, 0, None
        other.__dict__.pop("shape", None)  # of all that is cached, it alone depends on the dtype
        return other

    def identity(self) -> dict[str, Any]:
        """What changes a number for given token ids: part of every store key."""
        return {
            "weights": self.fingerprint,
            "tokenizer": self.tokenizer_fingerprint,
            "dtype": self.dtype,
            "attention": self.family.attention,
            **({"adapter": describe(self.family)} if self.family is self._adapter else {}),
            **({"code": code_fingerprint(self.folder)} if self._runs_own_code else {}),
        }

    def describe(self) -> dict[str, Any]:
        """What the manifest of a run says of it."""
        commit = self.folder.name if self._source.hub_id else None
        return {
            **self.identity(),
            "source": self._source.hub_id or self._source.url or ("built in" if self.builtin else self.folder.name),
            "revision": commit,
            "device": str(self.device if self.device_map is None else self.device_map),
            "model_type": self.config.model_type,
            "remote_code": self._trust_remote_code,
        }

    def recipe(self) -> dict[str, Any]:
        """What another process needs to make this handle again, as builtins; but for an adapter and a device map.

        The device is what was asked for and not what it came to here: elsewhere `auto` may be another one.
        """
        at = f"@{self.folder.name}" if self._source.hub_id else ""  # the same commit everywhere
        return {
            "name": self.name,
            "source": f"{self._source.hub_id}{at}" if self._source.hub_id else self._source.url or self._source.id,
            "folder": str(self.folder.resolve()),
            "dtype": self.dtype,
            "device": self._asked_device,
            "offline": self._offline,
            "trust_remote_code": self._trust_remote_code,
        }

    @property
    def _runs_own_code(self) -> bool:
        """Whether Python files that came with it take the place of transformers' own."""
        return self._trust_remote_code and bool(getattr(self.config, "auto_map", None))

    @property
    def _auto_class(self) -> Any:
        return AutoModelForMaskedLM if self.family.masked else AutoModelForCausalLM


def resolve_model(
    name: str,
    *,
    dtype: str = "float32",
    device: str = "auto",
    device_map: DeviceMap | None = None,
    adapter: Family | None = None,
    offline: bool = False,
    trust_remote_code: bool = False,
) -> ModelHandle:
    """A handle of the model that `name` stands for; nothing is downloaded or loaded yet.

    Raises:
        ModelError: nothing has that name, or the folder holds no model.
        ConfigError: a dtype or device that does not exist, or a device map that cannot be used.
    """
    return ModelHandle(
        resolve_name(name),
        dtype=dtype,
        device=device,
        device_map=device_map,
        adapter=adapter,
        offline=offline,
        trust_remote_code=trust_remote_code,
    )
