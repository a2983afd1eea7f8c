"""The built-in models know the facts they were trained on, and differ in nothing but their architecture."""

import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from harness.claims.edits import KINDS
from harness.claims.verdict import Verdict
from harness.data.sources import EMBEDDED, load_dataset
from harness.models.handle import resolve_model
from harness.models.names import builtin_models
from harness.models.queries import encode_query

MODELS = sorted(builtin_models())
EDITED = (
    *("local_edits", "global_edits", "global_cost", "cas_average", "cas_balance", "cas_cost", "cas_consistent"),
    "cas_held_out",
)
each_model = pytest.mark.parametrize("name", MODELS)


def seen(folder: Path) -> dict[str, list[str]]:
    return json.loads((folder / "seen.json").read_text())


def test_there_is_one_of_each_architecture() -> None:
    families = {name: resolve_model(name).describe()["model_type"] for name in MODELS}
    assert families == {"tiny-gpt2": "gpt2", "tiny-llama": "llama"}


@each_model
def test_knows_what_it_was_shown_and_most_of_what_was_held_out(name: str) -> None:
    handle = resolve_model(name)
    shown = seen(handle.folder)
    right: dict[bool, list[bool]] = {True: [], False: []}
    for query in list(load_dataset(EMBEDDED).queries())[::19]:
        encoded = encode_query(handle.tokenizer, query.prompt, query.fact.object, context_length=64)
        was_shown = query.pattern_id in shown[query.fact.uid]
        with torch.no_grad():
            logits = handle.loaded().model(input_ids=torch.tensor([encoded.prompt_ids])).logits[0, -1]
        right[was_shown].append(int(logits.argmax()) == encoded.answer_ids[0])
    assert len(right[True]) > 150 < 2 * len(right[False])
    assert sum(right[True]) >= 0.99 * len(right[True])
    assert sum(right[False]) >= 0.90 * len(right[False])


@each_model
def test_is_small(name: str) -> None:
    handle = resolve_model(name)
    assert sum(parameter.numel() for parameter in handle.loaded().model.parameters()) == pytest.approx(1e6, rel=0.1)
    assert sum(path.stat().st_size for path in handle.folder.iterdir()) < 2.5e6


def test_the_two_were_shown_the_same_and_share_no_file_of_weights() -> None:
    gpt2, llama = (builtin_models()[name] for name in MODELS)
    assert seen(gpt2) == seen(llama)
    assert resolve_model("tiny-gpt2").tokenizer_fingerprint == resolve_model("tiny-llama").tokenizer_fingerprint
    assert resolve_model("tiny-gpt2").fingerprint != resolve_model("tiny-llama").fingerprint


def test_tiny_llama_has_what_makes_a_llama() -> None:
    loaded = resolve_model("tiny-llama").loaded()
    assert isinstance(loaded.model, LlamaForCausalLM)
    config = loaded.model.config
    assert config.num_key_value_heads < config.num_attention_heads
    block = loaded.model.model.layers[0]
    x = torch.linspace(-1, 1, config.hidden_size)[None]
    gated = torch.nn.functional.silu(block.mlp.gate_proj(x)) * block.mlp.up_proj(x)
    torch.testing.assert_close(block.mlp(x), gated @ block.mlp.down_proj.weight.T)
    rms = x / (x.square().mean() + config.rms_norm_eps).sqrt() * block.input_layernorm.weight
    torch.testing.assert_close(block.input_layernorm(x), rms)
    assert not any("position" in key for key in loaded.model.state_dict())  # positions are rotations, not weights


@each_model
def test_expected_verdicts_are_verdicts(name: str) -> None:
    expected = resolve_model(name).expected
    assert {claim for claim, _, _ in expected} >= {"prevalence", "prevalence_by_relation", "separation"}
    edited = [f"{claim}_{kind}" for claim in EDITED for kind in KINDS]
    assert {(claim, "ig", cut) for claim in edited for cut in ("static:0.1", "otsu")} <= expected.keys()
    assert set(expected.values()) <= {str(verdict) for verdict in Verdict}


@each_model
def test_the_card_says_what_it_is(name: str) -> None:
    card = (builtin_models()[name] / "README.md").read_text()
    assert card.startswith(f"# {name}\n")
    assert f"{sum(map(len, seen(builtin_models()[name]).values())):,} | 100.0%" in card
