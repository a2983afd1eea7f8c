"""Every family that the project knows: the engine, the neurons and the erased weights against the model itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from harness.activations import row_block
from harness.activations.answers import answer_statistics
from harness.activations.last_token import run_last_token
from harness.activations.verification import verify_row
from harness.attribution.engine import integrate
from harness.attribution.quadrature import Quadrature
from harness.errors import ModelError
from harness.localizers import AttributionMap, make_localizer
from harness.models.families import FAMILIES
from harness.models.loaded import LoadedModel
from tests.naive import NAIVE, naive_path_integral
from tests.random_configs import CONTEXT, VARIANTS
from tests.random_models import random_queries, random_variant

RAGGED = [5, 1, 9, 1, 12]
RIGHT = Quadrature(rule="right", steps=20)
# Attention, norms or softmax of these compute in float32 whatever the dtype of the weights.
FLOAT32_INSIDE = {"gpt_neo", "gptj", "bloom", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3"} | {
    "gemma3_text", "phi3", "olmo2"
}  # fmt: skip
WINDOWED = [name for name, config in VARIANTS.items() if "sliding_window=32" in str(config) or name == "gpt_neo"]


def two_factors(block: nn.Module, x: Tensor) -> Tensor:
    mlp = block.mlp
    return mlp.act_fn(mlp.gate_proj(x)) * mlp.up_proj(x)


def gate_and_up_in_one(block: nn.Module, x: Tensor) -> Tensor:
    gate, up = block.mlp.gate_up_proj(x).chunk(2, dim=-1)
    return up * block.mlp.activation_fn(gate)


# Family -> the module whose input the FFN reads, and the neurons written out from the FFN's own submodules.
NEURONS: dict[str, tuple[str, Callable[[nn.Module, Tensor], Tensor]]] = {
    "gpt2": ("mlp.c_fc", lambda b, x: b.mlp.act(b.mlp.c_fc(x))),
    "gpt_neo": ("mlp.c_fc", lambda b, x: b.mlp.act(b.mlp.c_fc(x))),
    "gptj": ("mlp.fc_in", lambda b, x: b.mlp.act(b.mlp.fc_in(x))),
    "gpt_neox": ("mlp.dense_h_to_4h", lambda b, x: b.mlp.act(b.mlp.dense_h_to_4h(x))),
    "opt": ("fc1", lambda b, x: b.activation_fn(b.fc1(x))),
    "bloom": ("mlp.dense_h_to_4h", lambda b, x: b.mlp.gelu_impl(b.mlp.dense_h_to_4h(x))),
    "falcon": ("mlp.dense_h_to_4h", lambda b, x: b.mlp.act(b.mlp.dense_h_to_4h(x))),
    "phi": ("mlp.fc1", lambda b, x: b.mlp.activation_fn(b.mlp.fc1(x))),
    "phi3": ("mlp.gate_up_proj", gate_and_up_in_one),
} | dict.fromkeys(
    ["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gemma3_text", "olmo2", "stablelm"],
    ("mlp.gate_proj", two_factors),
)


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(variant: str) -> LoadedModel:
    return random_variant(variant)


@contextmanager
def hook(module: nn.Module, change: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    def before(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        changed = change(args[0])
        return None if changed is None else (changed, *args[1:])

    handle = module.register_forward_pre_hook(before)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def logits(model: LoadedModel, ids: tuple[int, ...]) -> Tensor:
    return model.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]


def largest_error(model: LoadedModel, lengths: list[int]) -> float:
    """Between engine and naive method, relative to the largest score, over queries in one batch."""
    queries = random_queries(lengths)
    state = run_last_token(model, queries)
    found = integrate(state, torch.zeros_like(state.neurons), RIGHT).scores
    nodes, weights = (torch.from_numpy(a) for a in RIGHT.nodes_and_weights())
    errors = []
    for query, scores in zip(queries, found, strict=True):
        expected = naive_path_integral(model, query.prompt_ids, query.answer_ids[0], nodes, weights)
        errors.append(float((scores - expected).abs().max() / expected.abs().max()))
    return max(errors)


def test_every_family_has_a_variant() -> None:
    assert {config().model_type for config in VARIANTS.values()} == {
        name for name, row in FAMILIES.items() if not row.masked
    }


def test_engine_equals_the_naive_method_in_ragged_batches(model: LoadedModel) -> None:
    assert largest_error(model, RAGGED) <= 1e-5


def test_in_double_precision(variant: str) -> None:
    model = random_variant(variant, dtype=torch.float64)
    assert largest_error(model, [4, 7]) <= (1e-6 if model.family.model_type in FLOAT32_INSIDE else 1e-10)


@pytest.mark.parametrize("method", ["sig", "amig"])
def test_words_of_a_query_equal_the_naive_method(model: LoadedModel, method: str) -> None:
    """Reference points and paths of SIG and AMIG, for which the prefix is shared up to the replaced word."""
    quadrature, queries = Quadrature(rule="right", steps=3), random_queries([4, 2])
    nodes, weights = (torch.from_numpy(a) for a in quadrature.nodes_and_weights())
    found = make_localizer(method, quadrature=quadrature).attribute(model, queries, batch_size=None)
    for query, of_query in zip(queries, found, strict=True):
        assert isinstance(of_query, AttributionMap)
        words = range(len(query.prompt_ids))
        expected = NAIVE[method](model, query.prompt_ids, words, query.answer_ids[0], nodes, weights)
        if method == "sig":
            expected /= expected.norm()
        error = (torch.from_numpy(of_query.scores) - expected).abs().max() / expected.abs().max()
        assert float(error) <= 1e-5


def test_one_token_queries_alone(model: LoadedModel) -> None:
    assert largest_error(model, [1, 1]) <= 1e-5


def test_unmodified_row_has_the_models_own_logits(model: LoadedModel) -> None:
    queries = random_queries(RAGGED)
    state = run_last_token(model, queries)
    driven = model.logits(model.final_norm(state.blocks[-1].output[:, 0]))
    for query, found in zip(queries, driven, strict=True):
        torch.testing.assert_close(found, logits(model, query.prompt_ids), rtol=0, atol=1e-5)


def test_neurons_are_what_the_ffns_own_submodules_give(model: LoadedModel) -> None:
    queries = random_queries(RAGGED)
    found = run_last_token(model, queries).neurons
    reads, neurons = NEURONS[model.family.model_type]
    for query, of_query in zip(queries, found.unbind(1), strict=True):
        for block, of_layer in zip(model.blocks, of_query, strict=True):
            seen: list[Tensor] = []
            with hook(block.get_submodule(reads), seen.append):
                logits(model, query.prompt_ids)
            expected = neurons(block, seen[0].reshape(len(query.prompt_ids), -1)[-1])
            torch.testing.assert_close(of_layer, expected, rtol=1e-5, atol=1e-5)


def test_erasing_a_neuron_is_suppressing_it_at_all_positions(model: LoadedModel) -> None:
    """A Conv1D keeps the neuron's slice in a row, a Linear in a column."""
    (query,), layer = random_queries([6]), 1
    ids, projection = query.prompt_ids, model.output_projections[layer]
    neuron = int(run_last_token(model, [query]).neurons[layer, 0].abs().argmax())  # a ReLU leaves many at 0

    def suppress(neurons: Tensor) -> Tensor:
        neurons = neurons.clone()
        neurons[..., neuron] = 0
        return neurons

    with hook(projection, suppress):
        suppressed = logits(model, ids)
    weight = projection.weight
    erased = weight[neuron] if isinstance(projection, Conv1D) else weight[:, neuron]
    kept = erased.clone()
    erased.zero_()
    try:
        assert torch.equal(logits(model, ids), suppressed)
    finally:
        erased.copy_(kept)
    assert not torch.equal(logits(model, ids), suppressed)


def test_answer_statistics_are_the_models_own(model: LoadedModel) -> None:
    queries = random_queries(RAGGED)
    for query, found in zip(queries, answer_statistics(model, queries), strict=True):
        p = logits(model, query.prompt_ids).softmax(-1)[query.answer_ids[0]]
        assert found.answer_probability == pytest.approx(float(p), rel=1e-4)


def test_model_is_left_as_it_was(model: LoadedModel) -> None:
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    largest_error(model, [3, 5])
    assert all(torch.equal(value, before[name]) for name, value in model.model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.model.modules())


class TestWindows:
    """A sliding window changes nothing within it, and what is longer is refused."""

    @pytest.mark.parametrize("name", ["gpt_neo", "mistral", "qwen2 sliding", "gemma2", "gemma3_text", "gemma3", "phi3"])
    def test_up_to_the_window_exact_and_refused_beyond(self, name: str) -> None:
        model = random_variant(name)
        assert model.context_length == 32
        assert largest_error(model, [32, 7]) <= 1e-5
        with pytest.raises(ModelError, match=r"takes 32 tokens at once.*but a query has 33"):
            run_last_token(model, random_queries([5, 33]))

    @pytest.mark.parametrize("name", ["gpt2", "qwen2", "opt", "falcon 7b"])
    def test_elsewhere_the_context_is_the_limit(self, name: str) -> None:
        assert random_variant(name).context_length == CONTEXT

    @pytest.mark.parametrize("name", ["bloom", "falcon alibi"])
    def test_alibi_has_none(self, name: str) -> None:
        model = random_variant(name)
        assert model.context_length is None
        assert largest_error(model, [2 * CONTEXT, 5]) <= 1e-5


class TestVerification:
    @pytest.mark.parametrize("answer_tokens", [1, 2])
    def test_every_row_describes_its_model(self, model: LoadedModel, answer_tokens: int) -> None:
        verify_row(model, answer_tokens=answer_tokens)

    def test_an_argument_of_every_position_under_another_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model = random_variant("llama")
        monkeypatch.setattr(row_block, "_BY_POSITION", ())
        verify_row(model)
        with pytest.raises(ModelError, match="cannot be driven with 2 answer tokens"):
            verify_row(model, answer_tokens=2)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
    @pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
    def test_in_other_precisions(self, name: str, dtype: torch.dtype) -> None:
        verify_row(random_variant(name, dtype=dtype))

    @pytest.mark.parametrize("name", ["gemma2", "gemma3_text", "olmo2", "opt normed after, projected"])
    def test_an_overlooked_norm_behind_the_ffn(self, name: str) -> None:
        with pytest.raises(ModelError, match=r"layer \d reduced.*ffn_added_as_is is False"):
            verify_row(with_row(name, ffn_added_as_is=True))

    def test_an_overlooked_final_norm(self) -> None:
        with pytest.raises(ModelError, match=r"differ from the model's own.*before anything is replaced"):
            verify_row(with_row("llama", before_head=()))

    def test_an_overlooked_bias_over_keys(self) -> None:
        with pytest.raises(ModelError, match="cannot be driven"):
            verify_row(with_row("bloom", key_biases=()))

    def test_a_projection_that_is_not_the_ffns(self) -> None:
        with pytest.raises(ModelError, match=r"the row of 'llama' does not describe"):
            verify_row(with_row("llama", output_projection="self_attn.q_proj"))


def with_row(name: str, **changes: object) -> LoadedModel:
    """A model under a row that is not quite its own."""
    model = random_variant(name)
    return LoadedModel(
        name=name,
        model=model.model,
        tokenizer=model.tokenizer,
        fingerprint="random",
        adapter=replace(model.family, **changes),
    )
