"""A planted model as a folder in the cache, built once and then loaded as any other model is."""

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch
from transformers import PreTrainedModel

from harness.data.download import HOME_VARIABLE, cache_home
from harness.errors import ModelError
from harness.models.checkpoint import quiet_transformers
from harness.models.organisms.gpt2 import build_gpt2
from harness.models.organisms.growing import generator, grow
from harness.models.organisms.llama import build_llama
from harness.models.organisms.recipe import Planted
from harness.models.organisms.tokenizer import make_tokenizer
from harness.models.organisms.weights import Weights, compute_weights

BUILDER_VERSION: Final = 2
"""Raised by hand when the same recipe would give other weights or another tokenizer than before."""

_BUILDERS: Final[dict[str, Callable[[Weights], PreTrainedModel]]] = {"gpt2": build_gpt2, "llama": build_llama}


def planted_folder(planted: Planted) -> Path:
    """The folder of a planted model in the cache, built first if it is not there.

    It is built under another name and renamed, so what lies under its name is whole, whoever else builds it meanwhile.

    Raises:
        ModelError: the cache cannot be written.
    """
    made_from = json.dumps({**asdict(planted), "builder": BUILDER_VERSION}, indent=1, sort_keys=True)
    key = hashlib.blake2b(made_from.encode(), digest_size=8).hexdigest()
    folder = cache_home() / "planted" / f"{planted.recipe.name}-{planted.architecture}-{key}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
        unfinished.mkdir()
        try:
            save(planted, unfinished)
            (unfinished / "planted.json").write_text(made_from, encoding="utf-8")
            _move(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"a planted model cannot be put into the cache {cache_home()}: {error.strerror}. Set {HOME_VARIABLE} to a"
            " folder where there is room and which can be written",
            model=planted.recipe.name,
        ) from error
    return folder


def save(planted: Planted, folder: Path) -> None:
    """Builds a planted model and writes it into a folder with its tokenizer; the same bytes every time."""
    recipe = planted.recipe
    model = _BUILDERS[planted.architecture](compute_weights(grow(recipe)))
    _add_noise(model, recipe.noise, generator(recipe, "noise"))
    with quiet_transformers():
        model.save_pretrained(folder)
    make_tokenizer(recipe).save_pretrained(folder)


def _add_noise(model: PreTrainedModel, scale: float, rng: np.random.Generator) -> None:
    """Adds to every matrix Gaussian noise of `scale` times its root mean square; norms and matrices of zeros stay."""
    if scale == 0:
        return
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            if parameter.dim() == 2:
                noise = rng.standard_normal(parameter.shape) * scale * float(parameter.square().mean().sqrt())
                parameter += torch.from_numpy(noise).to(parameter)


def _move(unfinished: Path, folder: Path) -> None:
    """Renames the folder, unless another process was faster."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
