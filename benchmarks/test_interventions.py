"""Scaled neurons on a GPT-2-small shape: many sets as rows that climb against one query and one set at a time.

    make bench

Naive: a hook on every output projection, one whole pass for every query, set and factor, logits at all positions.
Seconds are those of one item for both alike; the batched method's unmodified runs count in.
"""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn

from benchmarks.conftest import Ledger
from benchmarks.set_up import gpt2_small, pararel_prompts
from harness.consistency.compared import compared_neurons
from harness.interventions.neuron_effects import NeuronItem, neuron_effects
from harness.interventions.neurons import NeuronScaling
from harness.interventions.synapses import ENHANCE, SUPPRESS
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.neurons import NeuronSet
from tests.shared_data import needs_shared

PROMPTS = "neurons, ParaRel"
NEURONS = 20  # knowledge neurons a query
SHARED = 0.3  # share of them that neighbor queries have too
NAIVE_ITEMS = 24
pytestmark = needs_shared("data/pararel", "data/gpt2-tokenizer")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return gpt2_small()


@pytest.fixture(scope="module")
def queries(model: LoadedModel) -> list[EncodedQuery]:
    return pararel_prompts(model)


@pytest.fixture(scope="module")
def items(model: LoadedModel, queries: list[EncodedQuery]) -> list[NeuronItem]:
    """The sets of a query of eight, suppressed and enhanced: knowledge neurons lie anywhere, some of them shared."""
    rng = np.random.default_rng(0)
    common = rng.choice(model.n_layers * model.d_ff, NEURONS, replace=False)
    found: dict[NeuronItem, None] = {}
    for query in range(len(queries)):
        sets = [_some(common, model, rng) for _ in range(8)]
        chosen = compared_neurons(sets, 0, d_ff=model.d_ff, generator=lambda _: rng)
        for neurons in chosen.values():
            for factor in (SUPPRESS, ENHANCE):
                scaled = NeuronSet.from_flat(neurons.tolist(), model.d_ff)
                found[NeuronItem(query=query, scaling=NeuronScaling(neurons=scaled, factor=factor))] = None
    return list(found)


def _some(common: np.ndarray, model: LoadedModel, rng: np.random.Generator) -> np.ndarray:
    other = rng.choice(model.n_layers * model.d_ff, NEURONS, replace=False)
    return np.unique(np.where(rng.random(NEURONS) < SHARED, common, other))


def test_naive(
    model: LoadedModel,
    queries: list[EncodedQuery],
    items: list[NeuronItem],
    benchmark: BenchmarkFixture,
    ledger: Ledger,
) -> None:
    some = items[:: len(items) // NAIVE_ITEMS]
    found = benchmark.pedantic(lambda: naive_effects(model, queries, some), rounds=2, iterations=1, warmup_rounds=1)
    ledger.seconds[PROMPTS, "naive"] = benchmark.stats.stats.min / len(some)
    np.testing.assert_allclose(neuron_effects(model, queries, some).log_p_after, found, atol=1e-4)


def test_batched(
    model: LoadedModel,
    queries: list[EncodedQuery],
    items: list[NeuronItem],
    benchmark: BenchmarkFixture,
    ledger: Ledger,
) -> None:
    benchmark.pedantic(lambda: neuron_effects(model, queries, items), rounds=3, iterations=1, warmup_rounds=1)
    ledger.seconds[PROMPTS, "batched"] = benchmark.stats.stats.min / len(items)
    ledger.notes.append(f"{PROMPTS}: {len(items) / len(queries):.1f} items a query")


@torch.no_grad()
def naive_effects(model: LoadedModel, queries: Sequence[EncodedQuery], items: Sequence[NeuronItem]) -> list[float]:
    """log p(answer) of each item."""
    found: list[float] = []
    for item in items:
        query = queries[item.query]
        handles = [
            projection.register_forward_pre_hook(_scaled(layer, item.scaling))
            for layer, projection in enumerate(model.output_projections)
        ]
        logits = model.model(input_ids=torch.tensor([query.prompt_ids]), use_cache=False).logits
        for handle in handles:
            handle.remove()
        found.append(float(logits[0, -1].log_softmax(-1)[query.answer_ids[0]]))
    return found


def _scaled(layer: int, scaling: NeuronScaling) -> object:
    """A hook that multiplies a layer's neurons of the set at the last token."""
    chosen = torch.tensor([neuron.index for neuron in scaling.neurons if neuron.layer == layer], dtype=torch.long)

    def scale(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        if not len(chosen):
            return None
        args[0][0, -1, chosen] *= scaling.factor
        return args

    return scale
