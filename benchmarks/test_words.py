"""SIG and AMIG on a GPT-2-small shape: each against its own naive method, on the same ParaRel prompts in one run.

    make bench

Naive: one query, one layer and one word at a time; reference points by whole forward passes for every layer, as the
field's code bases find them. It is so slow that it gets few prompts and one round. What it finds is compared with what
we find.
"""

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Ledger
from benchmarks.set_up import QUERIES, gemm_rate, gpt2_small, pararel_prompts
from harness.attribution.quadrature import Quadrature
from harness.localizers import AttributionMap, make_localizer
from harness.localizers.selection import Selection, keep_largest
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.counted_operations import CountedOperations
from tests.naive import NAIVE
from tests.shared_data import needs_shared

METHODS = ("sig", "amig")
FEW = 2  # every eighth of the prompts, sorted by length, from the middle of the first eight
RIGHT_20 = Quadrature()
pytestmark = needs_shared("data/pararel", "data/gpt2-tokenizer")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return gpt2_small()


@pytest.fixture(scope="module")
def naive_scores() -> dict[str, list[np.ndarray]]:
    """What the naive methods found, by method; filled by `test_naive`."""
    return {}


def prompts(model: LoadedModel) -> list[EncodedQuery]:
    step = QUERIES // FEW
    return pararel_prompts(model)[step // 2 :: step]


def label(method: str, queries: list[EncodedQuery]) -> str:
    return f"ParaRel, {method} ({np.mean([len(query.prompt_ids) for query in queries]):.1f} tokens)"


@pytest.mark.parametrize("method", METHODS)
def test_naive(
    method: str,
    model: LoadedModel,
    naive_scores: dict[str, list[np.ndarray]],
    benchmark: BenchmarkFixture,
    ledger: Ledger,
) -> None:
    queries = prompts(model)
    nodes, weights = (torch.from_numpy(a) for a in RIGHT_20.nodes_and_weights())

    def run() -> list[np.ndarray]:
        return [
            NAIVE[method](model, q.prompt_ids, range(len(q.prompt_ids)), q.answer_ids[0], nodes, weights).numpy()
            for q in queries
        ]

    naive_scores[method] = benchmark.pedantic(run, rounds=1, iterations=1)
    ledger.seconds[label(method, queries), "naive"] = benchmark.stats.stats.min / len(queries)


@pytest.mark.parametrize("method", METHODS)
def test_engine(
    method: str,
    model: LoadedModel,
    naive_scores: dict[str, list[np.ndarray]],
    benchmark: BenchmarkFixture,
    ledger: Ledger,
) -> None:
    queries, localizer = prompts(model), make_localizer(method, quadrature=RIGHT_20)
    found = benchmark.pedantic(
        lambda: localizer.attribute(model, queries, batch_size=None), rounds=3, iterations=1, warmup_rounds=1
    )
    seconds = benchmark.stats.stats.min
    ledger.seconds[label(method, queries), "right-20"] = seconds / len(queries)
    with CountedOperations() as counter:
        localizer.attribute(model, queries, batch_size=None)
    rate, peak = counter.operations / seconds, gemm_rate()
    ledger.notes.append(
        f"{label(method, queries)}: {rate / 1e9:.0f} GFLOP/s, {rate / peak:.0%} of the {peak / 1e9:.0f} of a large "
        "product"
    )
    for item, expected in zip(found, naive_scores.get(method, []), strict=False):
        assert isinstance(item, AttributionMap)
        assert knowledge_neurons(item.scores) == knowledge_neurons(expected)


def knowledge_neurons(scores: np.ndarray) -> list[int]:
    kept = keep_largest(scores)
    return Selection().select(kept.neurons, kept.scores, kept.max_score).tolist()
