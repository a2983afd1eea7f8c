import json
from pathlib import Path

import pytest
import torch
from transformers import MixtralConfig

from harness.errors import ModelError
from harness.models.handle import ModelHandle, resolve_model
from tests.random_models import FAMILIES, random_model, word_tokenizer


@pytest.fixture(params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save(tmp_path / "model", request.param)


def save(folder: Path, family: str, seed: int = 0) -> Path:
    random_model(family, dtype=torch.float32, seed=seed).model.save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return folder


def test_loads_once_frozen_and_in_eval_mode(folder: Path) -> None:
    handle = resolve_model(str(folder))
    loaded = handle.loaded()
    assert handle.loaded() is loaded
    assert handle.n_loads == 1
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert (loaded.n_layers, loaded.dtype, loaded.context_length) == (4, torch.float32, 64)


def test_the_dtype_asked_for_wins_over_the_one_stored(folder: Path) -> None:
    assert resolve_model(str(folder), dtype="bfloat16").loaded().dtype == torch.bfloat16


def test_neurons_feed_the_output_projection(folder: Path) -> None:
    loaded = resolve_model(str(folder)).loaded()
    assert loaded.d_ff == {"gpt2": 192, "llama": 80}[loaded.family.model_type]


def test_identity_needs_no_weights_in_memory(folder: Path) -> None:
    handle = resolve_model(str(folder))
    identity = handle.identity()
    assert handle.n_loads == 0
    assert identity == resolve_model(str(folder)).identity()
    assert handle.context_length == 64


def test_other_weights_dtype_or_tokenizer_is_another_identity(tmp_path: Path) -> None:
    one = save(tmp_path / "one", "gpt2")
    other = save(tmp_path / "other", "gpt2", seed=1)
    base = resolve_model(str(one)).identity()
    assert resolve_model(str(other)).identity() != base
    assert resolve_model(str(one), dtype="bfloat16").identity() != base
    tokenizer = json.loads((one / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["w1"], vocabulary["w2"] = vocabulary["w2"], vocabulary["w1"]
    (one / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert resolve_model(str(one)).identity() != base


def test_an_edited_weight_under_the_same_path_is_another_identity(folder: Path) -> None:
    before = resolve_model(str(folder)).fingerprint
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert resolve_model(str(folder)).fingerprint != before


def test_code_that_came_with_a_model_is_part_of_its_identity_where_it_is_run(folder: Path) -> None:
    edit_config(folder, auto_map={"AutoModelForCausalLM": "modeling_own.Model"})
    (folder / "modeling_own.py").write_text("scale = 1")

    def identity(trust: bool) -> dict[str, object]:
        return resolve_model(str(folder), trust_remote_code=trust).identity()

    without, first = identity(False), identity(True)
    (folder / "modeling_own.py").write_text("scale = 2")
    assert identity(False) == without
    assert first not in (without, identity(True))


def test_trusting_a_model_that_has_no_code_changes_nothing(folder: Path) -> None:
    assert resolve_model(str(folder), trust_remote_code=True).identity() == resolve_model(str(folder)).identity()


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    model = MixtralConfig(
        num_hidden_layers=1, hidden_size=16, intermediate_size=16, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=101, num_local_experts=2,
    )  # fmt: skip
    from transformers import MixtralForCausalLM

    MixtralForCausalLM(model).save_pretrained(tmp_path)
    word_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="of the family 'mixtral'"):
        resolve_model(str(tmp_path)).loaded()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_garbage_in_a_file_is_a_model_error(tmp_path: Path, name: str) -> None:
    folder = save(tmp_path / "broken", "gpt2")
    (folder / name).write_bytes(b"\x00garbage")
    with pytest.raises(ModelError, match="broken"):
        resolve_model(str(folder)).loaded()


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    kept = {key: value for key, value in {**config, **changes}.items() if value is not Ellipsis}
    (folder / "config.json").write_text(json.dumps(kept))


@pytest.mark.parametrize("value", [0, -3, "64"])
def test_a_config_with_a_context_of_no_length(folder: Path, value: object) -> None:
    family = json.loads((folder / "config.json").read_text())["model_type"]
    edit_config(folder, **{"n_positions" if family == "gpt2" else "max_position_embeddings": value})
    with pytest.raises(ModelError, match=r"config.json.*'model'|'model'.*config.json"):
        _ = resolve_model(str(folder)).context_length


def test_a_config_that_says_nothing_of_its_context_has_what_transformers_builds(folder: Path) -> None:
    family = json.loads((folder / "config.json").read_text())["model_type"]
    edit_config(folder, **{"n_positions" if family == "gpt2" else "max_position_embeddings": ...})
    assert resolve_model(str(folder)).context_length == {"gpt2": 1024, "llama": 2048}[family]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{not json", "'model' has a config.json that cannot be read: Expecting property name"),
        ("[1]", "the config.json of 'model' should be a JSON object with a model_type"),
        ("{}", "the config.json of 'model' should be a JSON object with a model_type"),
    ],
)
@pytest.mark.parametrize("asked", ["tokenizer", "context_length", "loaded"])
def test_a_config_that_is_none(folder: Path, content: str, message: str, asked: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        getattr(resolve_model(str(folder)), asked)()


def test_a_tokenizer_that_is_missing(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match="'model' has no tokenizer"):
        _ = resolve_model(str(folder)).tokenizer


@pytest.mark.parametrize("kept", [0, 4, 100, 0.5, -1])
def test_weights_that_are_cut_short(folder: Path, kept: float) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(ModelError, match=r"weights of 'model' are damaged or cut short .*download them again"):
        resolve_model(str(folder)).loaded()


@pytest.mark.parametrize(
    ("change", "message"),
    [("num_hidden_layers", "are missing and 0 have another shape"), ("vocab_size", "0 are missing and . have another")],
)
def test_weights_that_are_not_those_of_the_configuration(tmp_path: Path, change: str, message: str) -> None:
    """Transformers draws what is missing at random; localizing that would look like a result."""
    folder = save(tmp_path / "mixed", "llama")
    edit_config(folder, **{change: {"num_hidden_layers": 5, "vocab_size": 102}[change]})
    with pytest.raises(ModelError, match=f"the weights of 'mixed' are not those of its config.json.*{message}"):
        resolve_model(str(folder)).loaded()


def test_weights_that_have_no_use_are_told(tmp_path: Path) -> None:
    folder = save(tmp_path / "longer", "llama")
    edit_config(folder, num_hidden_layers=3)
    with pytest.warns(UserWarning, match=r"longer: 9 weights have no use, such as model\.layers\.3\."):
        assert resolve_model(str(folder)).loaded().n_layers == 3


def test_an_unknown_family_is_told_before_its_weights_are_read(folder: Path) -> None:
    edit_config(folder, model_type="mystery")
    handle = resolve_model(str(folder))
    with pytest.raises(ModelError, match="of the family 'mystery'"):
        handle.loaded()
    assert handle.n_loads == 0


def test_only_a_builtin_model_carries_expected_verdicts(folder: Path) -> None:
    row = {"claim": "prevalence", "localizer": "ig", "threshold": "otsu", "verdict": "SUPPORTED"}
    (folder / "expected_verdicts.json").write_text(json.dumps({"verdicts": [row]}))
    handle: ModelHandle = resolve_model(str(folder))
    assert handle.expected == {}
