"""Rows of the user's own: where they are found, what they may be, and what becomes of a model under them."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import CohereConfig, CohereForCausalLM, MixtralConfig, Starcoder2Config, Starcoder2ForCausalLM

from harness.activations.verification import verify_row
from harness.errors import ConfigError, ModelError
from harness.models.adapters import describe, load_adapter
from harness.models.families import FAMILIES, Family, family_of
from harness.models.handle import resolve_model
from tests.random_configs import COMMON, GROUPED
from tests.random_models import word_tokenizer

ROW = {
    "model_type": "starcoder2",
    "blocks": "model.layers",
    "output_projection": "mlp.c_proj",
    "before_head": ["model.norm"],
}
STARCODER = Family(**{**ROW, "before_head": ("model.norm",)})

MODULE = f"""
from harness.models.families import Family
MAPPING = {ROW!r}
ROW = Family(**{{**MAPPING, "before_head": ("model.norm",)}})
def make():
    return ROW
def needs(argument):
    return ROW
NUMBER = 3
UNKNOWN_FIELD = {{**MAPPING, "block": "model.layers"}}
SHORT = {{"model_type": "starcoder2"}}
BAD_TYPE = {{**MAPPING, "head": 3}}
ONE_TEXT = {{**MAPPING, "before_head": "model.norm"}}
BOTH = {{**MAPPING, "ffn_added_as_is": False, "masks_by_position": True}}
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_adapters.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_adapters", raising=False)
    return "my_adapters"


@pytest.fixture(scope="module")
def starcoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("starcoder")
    torch.manual_seed(0)
    Starcoder2ForCausalLM(Starcoder2Config(**COMMON, **GROUPED)).save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("attribute", ["ROW", "MAPPING", "make"])
def test_a_family_a_mapping_or_a_function(module: str, attribute: str) -> None:
    assert load_adapter(f"{module}:{attribute}") == STARCODER


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("{}", "written package.module:attribute"),
        ("{}:", "written package.module:attribute"),
        ("{}x:ROW", "No module named"),
        ("{}:ROWS", "has no attribute 'ROWS'"),
        ("{}:needs", "cannot be called without arguments"),
        ("{}:NUMBER", "expected a Family, a mapping of its fields or a function giving one, got 3"),
        ("{}:UNKNOWN_FIELD", "a family has no field 'block'. Did you mean blocks"),
        ("{}:SHORT", "a family needs blocks, output_projection, before_head"),
        ("{}:BAD_TYPE", "a family's head is a text, got 3"),
        ("{}:ONE_TEXT", "a family's before_head is a tuple of paths and modules, got 'model.norm'"),
        ("{}:BOTH", "a family that masks_by_position needs ffn_added_as_is"),
    ],
)
def test_what_is_no_adapter_says_why(module: str, spec: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_adapter(spec.format(module))
    assert says in str(caught.value)


def test_an_unknown_family_is_refused_and_told_what_it_needs(starcoder: Path) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model(str(starcoder)).loaded()
    text = str(caught.value)
    assert "of the family 'starcoder2', which this version does not know" in text
    for needed in ("--adapter package.module:attribute", "blocks", "output_projection", "before_head", "head"):
        assert needed in text


def test_a_mixture_of_experts_is_told_apart() -> None:
    with pytest.raises(ModelError, match="mixture of experts: a layer has no single output projection"):
        family_of(MixtralConfig(), model="mixtral")


def test_an_adapter_for_another_family_does_not_help(starcoder: Path) -> None:
    with pytest.raises(ModelError, match="The adapter that was given is for 'other'"):
        resolve_model(str(starcoder), adapter=replace(STARCODER, model_type="other")).loaded()
    assert family_of(MixtralConfig(model_type="llama"), model="m", adapter=STARCODER) is FAMILIES["llama"]


def test_a_model_under_an_adapter_is_verified_and_known_by_it(starcoder: Path) -> None:
    handle = resolve_model(str(starcoder), adapter=STARCODER)
    verify_row(handle.loaded())
    assert handle.shape.d_ff == handle.loaded().d_ff == 56
    other = resolve_model(str(starcoder), adapter=replace(STARCODER, ffn_added_as_is=False))
    assert handle.identity()["adapter"] == describe(STARCODER)
    assert handle.identity() != other.identity()
    verify_row(other.loaded())  # running through the block is right for every family


def test_a_family_that_is_known_has_no_adapter_in_its_identity() -> None:
    assert "adapter" not in resolve_model("tiny-gpt2").identity()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"blocks": "model.layer"}, "blocks = 'model.layer' leads nowhere: Starcoder2Model has no 'layer'. Did you"),
        ({"blocks": "model.norm"}, "blocks = 'model.norm' is a LayerNorm, expected a list of blocks"),
        ({"output_projection": "mlp.c_prj"}, "Starcoder2MLP has no 'c_prj'. Did you mean c_proj"),
        ({"output_projection": "mlp"}, "output_projection = 'mlp' is a Starcoder2MLP, expected Linear or Conv1D"),
        ({"before_head": ("model.final",)}, "before_head = 'model.final' leads nowhere"),
        ({"before_head": ("model.config",)}, "before_head = 'model.config' is a Starcoder2Config, expected a module"),
        ({"head": "model.norm"}, "head = 'model.norm' is a LayerNorm, expected Linear"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_says_where(starcoder: Path, change: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model(str(starcoder), adapter=replace(STARCODER, **change)).loaded()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"before_head": ("model.norm", nn.Tanh())}, "before anything is replaced"),
        ({"output_projection": "self_attn.q_proj"}, "does not describe"),
    ],
)
def test_a_row_that_fits_and_is_wrong_is_refused(starcoder: Path, change: dict[str, object], says: str) -> None:
    model = resolve_model(str(starcoder), adapter=replace(STARCODER, **change)).loaded()
    for _ in range(2):  # a refusal is not forgotten
        with pytest.raises(ModelError, match=says):
            verify_row(model)


def test_logits_that_are_scaled_behind_the_head_are_noticed(tmp_path: Path) -> None:
    CohereForCausalLM(CohereConfig(**COMMON, **GROUPED, logit_scale=0.5)).save_pretrained(tmp_path)
    word_tokenizer().save_pretrained(tmp_path)
    row = Family(
        model_type="cohere", blocks="model.layers", output_projection="mlp.down_proj", before_head=("model.norm",)
    )
    with pytest.raises(ModelError, match=r"the row of 'cohere' does not describe.*before anything is replaced"):
        verify_row(resolve_model(str(tmp_path), adapter=row).loaded())
