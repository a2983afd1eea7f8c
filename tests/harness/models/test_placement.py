"""Weights in several files, and blocks spread by accelerate."""

import importlib.util
import json
import os
from pathlib import Path

import pytest
import torch
from torch.utils._pytree import tree_map_only

from harness.activations.last_token import run_last_token
from harness.activations.verification import verify_row
from harness.attribution.engine import integrate
from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError, ModelError
from harness.models.handle import ModelHandle, resolve_model
from harness.models.placement import share_cores, working_memory
from tests.random_models import random_queries, random_variant, word_tokenizer


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def sharded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sharded")
    random_variant(request.param).model.save_pretrained(folder, max_shard_size="20KB")
    word_tokenizer().save_pretrained(folder)
    assert len(list(folder.glob("model-*.safetensors"))) > 2
    return folder


def scores(handle: ModelHandle) -> torch.Tensor:
    state = run_last_token(handle.loaded(), random_queries([5, 1, 9]))
    return integrate(state, torch.zeros_like(state.neurons), Quadrature()).scores


def test_a_sharded_checkpoint_is_the_same_model(sharded: Path) -> None:
    handle = resolve_model(str(sharded), device="cpu")
    whole = random_variant(handle.family.model_type)
    state = run_last_token(whole, random_queries([5, 1, 9]))
    expected = integrate(state, torch.zeros_like(state.neurons), Quadrature()).scores
    assert torch.equal(scores(handle), expected)


def test_an_edited_shard_is_another_model(sharded: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in sharded.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    before = resolve_model(str(copy)).fingerprint
    assert before == resolve_model(str(sharded)).fingerprint
    shard = sorted(copy.glob("*.safetensors"))[1]
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    assert resolve_model(str(copy)).fingerprint != before


def test_a_missing_shard_is_a_model_error(sharded: Path, tmp_path: Path) -> None:
    for path in sharded.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    (tmp_path / sorted(set(index["weight_map"].values()))[0]).unlink()
    with pytest.raises(ModelError, match="it lacks model-00001-of-"):
        resolve_model(str(tmp_path))


@pytest.mark.parametrize("device_map", ["auto", {"": "cpu"}], ids=["auto", "mapping"])
def test_a_device_map_changes_no_score(sharded: Path, device_map: str | dict[str, str]) -> None:
    mapped = resolve_model(str(sharded), device_map=device_map)
    alike = resolve_model(str(sharded), device="cpu" if device_map != "auto" else "auto")
    assert torch.equal(scores(mapped), scores(alike))
    assert mapped.identity() == resolve_model(str(sharded)).identity()
    assert mapped.describe()["device"] == str(device_map)


@pytest.mark.parametrize(
    "device",
    ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))],
)
@pytest.mark.parametrize("family", ["llama", "gemma2"])
def test_blocks_on_several_devices(family: str, device: str) -> None:
    """The upper block and the final norm lie on `device` and fetch what they are called with, as accelerate has it."""
    model, queries = random_variant(family), random_queries([4, 2, 6])
    state = run_last_token(model, queries)
    expected = integrate(state, torch.zeros_like(state.neurons), Quadrature(steps=3)).scores
    for module in (model.blocks[1], model.model.model.norm):

        def fetch(_module: torch.nn.Module, args: object, kwargs: object) -> object:
            return tree_map_only(torch.Tensor, lambda tensor: tensor.to(device), (args, kwargs))

        module.to(device).register_forward_pre_hook(fetch, with_kwargs=True, prepend=True)
    model.model.lm_head.register_forward_pre_hook(lambda _module, args: (args[0].to("cpu"),))
    state = run_last_token(model, queries)
    found = integrate(state, torch.zeros_like(state.neurons), Quadrature(steps=3)).scores
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    verify_row(model)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"device_map": "atuo"}, "no device map 'atuo'. Did you mean auto"),
        ({"device_map": "auto", "device": "cpu"}, "leave out --device cpu"),
    ],
)
def test_bad_maps(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_model("tiny-gpt2", **settings)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_accelerate_is_asked_for_only_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    resolve_model("tiny-gpt2")
    with pytest.raises(ConfigError, match=r"needs the package accelerate: pip install -e '\.\[device-map\]'"):
        resolve_model("tiny-gpt2", device_map="auto")


@pytest.mark.parametrize(("cores", "processes", "threads"), [(8, 2, 4), (2, 2, 1), (2, 5, 1)])
def test_cores_are_shared(cores: int, processes: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    share_cores(processes)
    assert asked == []  # OMP_NUM_THREADS is set in tests
    monkeypatch.delenv("OMP_NUM_THREADS")
    share_cores(processes)
    assert asked == [threads]


def test_batches_take_what_the_weights_leave_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    class Properties:
        total_memory = 80 << 30

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _device: Properties)
    gpu = torch.device("cuda")
    assert working_memory(gpu, 32 << 30) == 32 << 30
    assert working_memory(gpu, 100 << 30) == working_memory(torch.device("cpu"), 0) == 1 << 29
