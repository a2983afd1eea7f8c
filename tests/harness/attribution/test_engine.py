"""The engine against the naive method, captum, finite differences and closed forms."""

import pytest
import torch

from harness.activations.last_token import run_last_token
from harness.attribution.engine import PathIntegral, integrate
from harness.attribution.quadrature import Quadrature
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.captum_scores import captum_scores
from tests.naive import answer_probability, naive_path_integral
from tests.random_models import FAMILIES, norms_in_the_models_dtype, random_model, random_queries

RAGGED = [5, 1, 9, 3, 1, 12]
RULES = ["right:20", "left:20", "midpoint:20", "trapezoid:20", "gauss-legendre:10"]


@pytest.fixture(autouse=True)
def norms_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    norms_in_the_models_dtype(monkeypatch)


def attribute(model: LoadedModel, queries: list[EncodedQuery], rule: str = "right:20") -> PathIntegral:
    state = run_last_token(model, queries)
    return integrate(state, torch.zeros_like(state.neurons), Quadrature.parse(rule))


def naive(model: LoadedModel, query: EncodedQuery, rule: str = "right:20") -> torch.Tensor:
    nodes, weights = (torch.from_numpy(a) for a in Quadrature.parse(rule).nodes_and_weights())
    return naive_path_integral(model, query.prompt_ids, query.answer_ids[0], nodes, weights)


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(
    ("family", "attention", "dtype", "bound"),
    [
        ("gpt2", "sdpa", torch.float32, 1e-5),
        ("gpt2", "eager", torch.float32, 1e-5),
        ("llama", "sdpa", torch.float32, 1e-5),
        ("llama", "eager", torch.float32, 1e-5),
        ("gpt2", "sdpa", torch.float64, 1e-9),
        ("gpt2", "eager", torch.float64, 1e-9),
        ("llama", "sdpa", torch.float64, 1e-9),  # its eager attention takes the softmax in float32 whatever the dtype
    ],
)
def test_equals_the_naive_method_in_ragged_batches(
    family: str, attention: str, dtype: torch.dtype, bound: float
) -> None:
    model, queries = random_model(family, dtype=dtype, attention=attention), random_queries(RAGGED)
    found = attribute(model, queries)
    for query, scores in zip(queries, found.scores, strict=True):
        assert relative(scores, naive(model, query)) <= bound


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("family", FAMILIES)
def test_equals_the_naive_method_under_every_rule(family: str, rule: str) -> None:
    model, queries = random_model(family), random_queries([6])
    assert relative(attribute(model, queries, rule).scores[0], naive(model, queries[0], rule)) <= 1e-9


@pytest.mark.parametrize("family", FAMILIES)
def test_one_token_queries_alone(family: str) -> None:
    model, queries = random_model(family), random_queries([1, 1])
    for query, scores in zip(queries, attribute(model, queries).scores, strict=True):
        assert relative(scores, naive(model, query)) <= 1e-9


@pytest.mark.parametrize("family", FAMILIES)
def test_company_changes_nothing(family: str) -> None:
    """A query's scores are the same alone, in any batch and in any order."""
    model, queries = random_model(family), random_queries(RAGGED)
    together = attribute(model, queries).scores
    backwards = attribute(model, queries[::-1]).scores.flip(0)
    alone = torch.cat([attribute(model, [query]).scores for query in queries])
    assert relative(together, alone) <= 1e-12
    assert relative(backwards, alone) <= 1e-12


@pytest.mark.parametrize("family", FAMILIES)
def test_equals_captums_integrated_gradients(family: str) -> None:
    model, (query,) = random_model(family), random_queries([7])
    found = attribute(model, [query], "gauss-legendre:10").scores[0]
    for layer in range(model.n_layers):
        expected = captum_scores(model, query, layer, torch.zeros(model.d_ff, dtype=model.dtype), steps=10)
        assert relative(found[layer], expected) <= 1e-6


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_at_a_node_equals_a_finite_difference(family: str) -> None:
    """One step of the right rule is the gradient at the unmodified neurons times the neurons."""
    model, queries = random_model(family), random_queries([4])
    scores = attribute(model, queries, "right:1").scores[0]
    state = run_last_token(model, queries)
    for layer, index in [(0, 3), (1, 17), (3, 40)]:
        step = 1e-6
        ends = []
        for sign in (1, -1):
            moved = state.neurons[layer].clone()
            moved[0, index] += sign * step
            ends.append(answer_probability(model, queries[0].prompt_ids, queries[0].answer_ids[0], layer, moved)[0])
        slope = (ends[0] - ends[1]) / (2 * step)
        assert float(scores[layer, index]) == pytest.approx(float(slope * state.neurons[layer, 0, index]), rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_completeness_with_64_gauss_legendre_nodes(family: str) -> None:
    found = attribute(random_model(family), random_queries(RAGGED), "gauss-legendre:64")
    assert float(found.completeness_gap.max()) <= 1e-3


def test_completeness_gap_is_what_the_rule_leaves_out() -> None:
    """Recomputed from whole forward passes with a layer's last position set to zero."""
    model, (query,) = random_model("gpt2"), random_queries([6])
    found = attribute(model, [query], "right:3")
    ids = torch.tensor([query.prompt_ids])

    def probability() -> float:
        return float(model.model(input_ids=ids).logits[0, -1].softmax(-1)[query.answer_ids[0]])

    p, gaps = probability(), []
    for layer, projection in enumerate(model.output_projections):

        def silence(_module: torch.nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            silent = args[0].clone()
            silent[:, -1] = 0
            return (silent,)

        handle = projection.register_forward_pre_hook(silence)
        gaps.append(abs(float(found.scores[0, layer].sum()) - (p - probability())) / p)
        handle.remove()
    assert float(found.answer_probability[0]) == pytest.approx(p, rel=1e-12)
    assert float(found.completeness_gap[0]) == pytest.approx(max(gaps), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_model_is_left_as_it_was(family: str) -> None:
    model = random_model(family)
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    attribute(model, random_queries([3, 5]))
    assert all(torch.equal(value, before[name]) for name, value in model.model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.model.modules())
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in model.model.parameters())


def test_hooks_are_gone_after_an_exception() -> None:
    model = random_model("gpt2")
    with pytest.raises(IndexError):
        run_last_token(model, [EncodedQuery(prompt="", prompt_ids=(1, 10_000), answer_ids=(1,))])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.model.modules())


class TestClosedForm:
    """A one-layer model whose answer probability is a sigmoid of one neuron."""

    def test_the_score_is_the_difference_of_two_sigmoids(self) -> None:
        model, query, value, slope, offset = self._model()
        found = attribute(model, [query], "gauss-legendre:30").scores[0, 0]
        expected = torch.sigmoid(torch.tensor(slope * value + offset)) - torch.sigmoid(torch.tensor(offset))
        assert float(found[0]) == pytest.approx(float(expected), rel=1e-6)
        assert float(found[1:].abs().max()) == pytest.approx(0, abs=1e-12)

    def test_right_riemann_is_the_sum_written_out(self) -> None:
        model, query, value, slope, offset = self._model()
        found = attribute(model, [query], "right:4").scores[0, 0, 0]
        z = [torch.sigmoid(torch.tensor(slope * value * k / 4 + offset, dtype=torch.float64)) for k in (1, 2, 3, 4)]
        expected = value * slope * sum(s * (1 - s) for s in z) / 4
        assert float(found) == pytest.approx(float(expected), rel=1e-6)

    @staticmethod
    def _model() -> tuple[LoadedModel, EncodedQuery, float, float, float]:
        """Attention silent, norm the identity, two words; neuron 0 writes into channel 0, which the first word reads.

        Two-word vocabulary: p(word 0) = sigmoid(logit 0 - logit 1) with logit 0 = channel 0 and logit 1 = 0.
        """
        model = random_model("gpt2", layers=1)
        inner = model.model
        block = model.blocks[0]
        inner.transformer.ln_f = torch.nn.Identity()
        with torch.no_grad():
            for name, parameter in inner.named_parameters():
                if "wte" not in name and "lm_head" not in name:
                    parameter.zero_()
            inner.transformer.wte.weight.zero_()
            inner.lm_head.weight = torch.nn.Parameter(torch.zeros(2, 48, dtype=torch.float64))
            inner.lm_head.weight[0, 0] = 1.0
            inner.transformer.wpe.weight[:, 0] = 0.3  # the offset of channel 0
            block.mlp.c_fc.bias[0] = 1.7
            block.mlp.c_proj.weight[0, 0] = 0.9
        inner.requires_grad_(False)
        value = float(block.mlp.act(torch.tensor(1.7, dtype=torch.float64)))
        return model, EncodedQuery(prompt="", prompt_ids=(3, 4), answer_ids=(0,)), value, 0.9, 0.3
