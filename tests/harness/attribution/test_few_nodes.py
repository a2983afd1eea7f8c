"""Scores from few nodes against those from every node: the same to rounding, on smooth paths and on rough ones."""

from typing import Any

import numpy as np
import pytest
import torch

from harness.activations.last_token import run_last_token
from harness.attribution import path_sums
from harness.attribution.engine import integrate
from harness.attribution.gradient_sums import GradientSums, gradient_sums
from harness.attribution.node_sums import FEW, first_nodes
from harness.attribution.quadrature import Quadrature
from harness.data.folder import load_folder
from harness.data.sources import EMBEDDED_FOLDER
from harness.execution.plan import make_plan
from harness.localizers import AttributionMap, make_localizer
from harness.localizers.selection import Selection, keep_largest
from harness.models.handle import resolve_model
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.random_configs import MASKED, VARIANTS
from tests.random_models import random_cloze, random_model, random_queries, random_variant

METHODS = ["ig", "sig", "amig", "amig-paper"]
LENGTHS = [5, 2, 8, 1, 6]
EVERY_NODE = Quadrature(exhaustive=True)


def maps(method: str, model: LoadedModel, queries: list[EncodedQuery], quadrature: Quadrature) -> list[np.ndarray]:
    found = make_localizer(method, quadrature=quadrature).attribute(model, queries, batch_size=None)
    return [one.scores for one in found if isinstance(one, AttributionMap)]


def difference(method: str, model: LoadedModel, queries: list[EncodedQuery]) -> float:
    """The largest, relative to the largest score of the same map."""
    pairs = zip(maps(method, model, queries, Quadrature()), maps(method, model, queries, EVERY_NODE), strict=True)
    return max(float(np.abs(few - every).max() / every.max()) for few, every in pairs)


class Counter:
    """Counts paths of one layer, by the number of nodes at which they were evaluated; an end is a path of one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: dict[int, int] = {}

        def counting(state: Any, reference: torch.Tensor, *, nodes: np.ndarray, **others: Any) -> GradientSums:
            self.paths[len(nodes)] = self.paths.get(len(nodes), 0) + reference.shape[0] * reference.shape[1]
            return gradient_sums(state, reference, nodes=nodes, **others)

        monkeypatch.setattr(path_sums, "gradient_sums", counting)


@pytest.mark.parametrize("method", ["ig", "sig"])
@pytest.mark.parametrize("variant", [*VARIANTS, *MASKED])
def test_every_family_has_the_scores_of_every_node(variant: str, method: str) -> None:
    queries = random_cloze(LENGTHS) if variant in MASKED else random_queries(LENGTHS)
    assert difference(method, random_variant(variant), queries) <= 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_in_double_the_difference_is_that_of_double(family: str, method: str) -> None:
    """LLaMA's rotary embedding is made in float32, whose rounding is what is left of it."""
    bound = 1e-11 if family == "gpt2" else 1e-6
    assert difference(method, random_model(family), random_queries(LENGTHS)) <= bound


def test_a_kinked_model_is_evaluated_at_every_node(monkeypatch: pytest.MonkeyPatch) -> None:
    counter, model = Counter(monkeypatch), random_variant("opt")
    assert not model.smooth
    maps("sig", model, random_queries(LENGTHS), Quadrature())
    assert set(counter.paths) == {1, 20}  # start and all nodes but the end, which is evaluated once a query


class TestSteepPath:
    """p(answer) is a sigmoid of the only neuron that counts: see the closed forms of `test_engine`."""

    @pytest.mark.parametrize(("gain", "rough"), [(0.3, False), (100.0, True)])
    def test_is_evaluated_at_every_node_if_and_only_if_it_is_steep(
        self, gain: float, rough: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counter, model = Counter(monkeypatch), self._model(gain)
        query = EncodedQuery(prompt="", prompt_ids=(3, 4), answer_ids=(0,))
        state = run_last_token(model, [query])
        found = integrate(state, torch.zeros_like(state.neurons), Quadrature()).scores[0, 0, 0]
        assert counter.paths == ({1: 1, FEW - 1: 1, 19: 1} if rough else {1: 1, FEW - 1: 1})
        value = float(state.neurons[0, 0, 0])
        expected = self._sum(gain, value, np.arange(1, 21) / 20, np.full(20, 1 / 20))
        assert float(found) == pytest.approx(expected, rel=1e-5)
        first = first_nodes(Quadrature(), smooth=True)
        of_few = self._sum(gain, value, first.nodes, first.weights)
        assert (of_few == pytest.approx(expected, rel=1e-2)) is not rough  # trusting few nodes would have been wrong

    @staticmethod
    def _sum(gain: float, value: float, nodes: np.ndarray, weights: np.ndarray) -> float:
        p = 1 / (1 + np.exp(-gain * (value * nodes - 0.7)))
        return float(value * gain * (weights * p * (1 - p)).sum())

    @staticmethod
    def _model(gain: float) -> LoadedModel:
        """Attention silent, norm the identity, two words: logit 0 is gain * neuron - gain * 0.7, logit 1 is 0."""
        model = random_model("gpt2", dtype=torch.float32, layers=1)
        inner, block = model.model, model.blocks[0]
        inner.transformer.ln_f = torch.nn.Identity()
        with torch.no_grad():
            for parameter in inner.parameters():
                parameter.zero_()
            inner.lm_head.weight = torch.nn.Parameter(torch.zeros(2, 48))
            inner.lm_head.weight[0, 0] = gain
            inner.transformer.wpe.weight[:, 0] = -0.7
            block.mlp.c_fc.bias[0] = 1.7
            block.mlp.c_proj.weight[0, 0] = 1.0
        inner.requires_grad_(False)
        return model


@pytest.fixture(scope="module", params=["tiny-gpt2", "tiny-llama", "planted-gpt2", "planted-llama"])
def asked(request: pytest.FixtureRequest) -> tuple[LoadedModel, list[EncodedQuery]]:
    """A built-in model, and a seeded sample of what it is asked."""
    handle = resolve_model(request.param)
    dataset = handle.world.dataset if handle.world else load_folder(EMBEDDED_FOLDER)
    plan = make_plan(dataset.queries(), handle.tokenizer, context_length=handle.context_length)
    chosen = np.random.default_rng(0).choice(len(plan.requests), size=12, replace=False)
    return handle.loaded(), [plan.requests[i].encoded for i in chosen]


@pytest.mark.parametrize("method", METHODS)
def test_built_in_models_have_the_same_knowledge_neurons(
    asked: tuple[LoadedModel, list[EncodedQuery]], method: str
) -> None:
    pairs = zip(maps(method, *asked, Quadrature()), maps(method, *asked, EVERY_NODE), strict=True)
    for few, every in pairs:
        assert knowledge_neurons(few) == knowledge_neurons(every)


def knowledge_neurons(scores: np.ndarray) -> list[int]:
    kept = keep_largest(scores)
    return Selection().select(kept.neurons, kept.scores, kept.max_score).tolist()
