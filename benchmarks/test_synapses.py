"""Scaled synapses on a GPT-2-small shape: batches of many sets against one query and one set at a time.

    make bench

Naive: transformers' eager attention with the weights multiplied on their way, one whole pass for every query, set and
factor, logits at all positions. Seconds are those of one pass of one query, unmodified or scaled, for both alike.
"""

from collections.abc import Sequence
from unittest import mock

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn
from transformers.models.gpt2 import modeling_gpt2

from benchmarks.conftest import Ledger
from benchmarks.set_up import gpt2_small, pararel_prompts
from harness.activations.attention import attention_sums
from harness.interventions.knowledge_synapses import KnowledgeSynapses
from harness.interventions.random_synapses import RandomSynapses
from harness.interventions.synapse_effects import ScaledQuery, synapse_effects
from harness.interventions.synapses import ENHANCE, SUPPRESS, SynapseScaling
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.shared_data import needs_shared

PROMPTS = "synapses, ParaRel"
NAIVE_ITEMS = 24
pytestmark = needs_shared("data/pararel", "data/gpt2-tokenizer")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return gpt2_small()


@pytest.fixture(scope="module")
def queries(model: LoadedModel) -> list[EncodedQuery]:
    return pararel_prompts(model)


@pytest.fixture(scope="module")
def items(model: LoadedModel, queries: list[EncodedQuery]) -> list[ScaledQuery]:
    """Own synapses, those of another query and random ones, suppressed and enhanced: six items a query."""
    columns = [sums.columns for sums in attention_sums(model, queries)]
    own = [KnowledgeSynapses().select(sums) for sums in columns]
    rng = np.random.default_rng(0)
    return [
        ScaledQuery(query=i, scaling=SynapseScaling(synapses=synapses, factor=factor))
        for i, query in enumerate(queries)
        for synapses in (
            own[i],
            own[i - 1].within(len(query.prompt_ids)),
            RandomSynapses().draw(own[i], columns[i].shape, rng),
        )
        for factor in (SUPPRESS, ENHANCE)
    ]


def test_naive(
    model: LoadedModel,
    queries: list[EncodedQuery],
    items: list[ScaledQuery],
    benchmark: BenchmarkFixture,
    ledger: Ledger,
) -> None:
    some = items[:: len(items) // NAIVE_ITEMS]
    own = model.attention_implementation
    model.model.set_attn_implementation("eager")
    found = benchmark.pedantic(lambda: naive_effects(model, queries, some), rounds=2, iterations=1, warmup_rounds=1)
    model.model.set_attn_implementation(own)
    ledger.seconds[PROMPTS, "naive"] = benchmark.stats.stats.min / len(some)
    np.testing.assert_allclose(synapse_effects(model, queries, some).log_p_after, found, atol=1e-4)


def test_batched(
    model: LoadedModel,
    queries: list[EncodedQuery],
    items: list[ScaledQuery],
    benchmark: BenchmarkFixture,
    ledger: Ledger,
) -> None:
    benchmark.pedantic(lambda: synapse_effects(model, queries, items), rounds=3, iterations=1, warmup_rounds=1)
    ledger.seconds[PROMPTS, "batched"] = benchmark.stats.stats.min / (len(items) + len(queries))


@torch.no_grad()
def naive_effects(model: LoadedModel, queries: Sequence[EncodedQuery], items: Sequence[ScaledQuery]) -> list[float]:
    """log p(answer) of each item; the neurons at the last token are read by hooks and dropped."""
    found: list[float] = []
    neurons: list[Tensor] = []
    for item in items:
        query = queries[item.query]
        handles = [
            projection.register_forward_pre_hook(lambda _module, args: neurons.append(args[0][0, -1]))
            for projection in model.output_projections
        ]
        with mock.patch.object(modeling_gpt2, "eager_attention_forward", _scaled_eager(item.scaling)):
            logits = model.model(input_ids=torch.tensor([query.prompt_ids]), use_cache=False).logits
        for handle in handles:
            handle.remove()
        neurons.clear()
        found.append(float(logits[0, -1].log_softmax(-1)[query.answer_ids[0]]))
    return found


def _scaled_eager(scaling: SynapseScaling) -> object:
    """Eager attention that multiplies the columns of one set."""
    column, layer, head = torch.from_numpy(scaling.synapses.indices()).T
    eager = modeling_gpt2.eager_attention_forward

    def attend(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, **kwargs: object) -> object:
        _, weights = eager(module, query, key, value, mask, **kwargs)
        here = layer == module.layer_idx
        weights[0, head[here], :, column[here]] *= scaling.factor
        return (weights @ value).transpose(1, 2), weights

    return attend
