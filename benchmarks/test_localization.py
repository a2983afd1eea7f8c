"""Integrated gradients on a GPT-2-small shape: the engine against the naive method as the field's code bases run it.

    make bench

Random weights (speed does not depend on them), ParaRel prompts under the GPT-2 tokenizer where they lie beside the
checkout. Naive: one query, one layer at a time, m whole sequences, logits at all positions, gradient to the rows alone.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Ledger
from benchmarks.set_up import QUERIES, gemm_rate, gpt2_small, pararel_prompts
from harness.attribution.quadrature import Quadrature
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.localizers.selection import Selection, keep_largest
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.counted_operations import CountedOperations
from tests.naive import naive_path_integral
from tests.shared_data import needs_shared

NAIVE_QUERIES = 4  # the naive method is timed on a quarter of them: every fourth, from the shortest to the longest
RULES = {"right-20": Quadrature(), "gauss-legendre-10": Quadrature(rule="gauss-legendre", steps=10)}
pytestmark = needs_shared("data/pararel", "data/gpt2-tokenizer")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return gpt2_small()


def long_prompts(_model: LoadedModel) -> list[EncodedQuery]:
    """Random tokens, sixteen a prompt."""
    rng = np.random.default_rng(0)
    return [
        EncodedQuery(prompt="", prompt_ids=tuple(rng.integers(50_000, size=16).tolist()), answer_ids=(int(i),))
        for i in rng.integers(50_000, size=QUERIES)
    ]


PROMPTS: dict[str, Callable[[LoadedModel], list[EncodedQuery]]] = {
    "ParaRel (7.7 tokens)": pararel_prompts,
    "16 tokens": long_prompts,
}


@pytest.mark.parametrize("prompts", PROMPTS)
def test_naive(prompts: str, model: LoadedModel, benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    queries = PROMPTS[prompts](model)[2 :: QUERIES // NAIVE_QUERIES]
    nodes, weights = (torch.from_numpy(a) for a in RULES["right-20"].nodes_and_weights())

    def run() -> None:
        for query in queries:
            naive_path_integral(model, query.prompt_ids, query.answer_ids[0], nodes, weights)

    benchmark.pedantic(run, rounds=2, iterations=1)
    ledger.seconds[prompts, "naive"] = benchmark.stats.stats.min / len(queries)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("prompts", PROMPTS)
def test_engine(prompts: str, rule: str, model: LoadedModel, benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    queries, localizer = PROMPTS[prompts](model), IntegratedGradients(quadrature=RULES[rule])
    benchmark.pedantic(
        lambda: localizer.attribute(model, queries, batch_size=None), rounds=3, iterations=1, warmup_rounds=1
    )
    seconds = benchmark.stats.stats.min
    ledger.seconds[prompts, rule] = seconds / len(queries)
    with CountedOperations() as counter:
        localizer.attribute(model, queries, batch_size=None)
    rate, peak = counter.operations / seconds, gemm_rate()
    ledger.notes.append(
        f"{prompts}, {rule}: {rate / 1e9:.0f} GFLOP/s, {rate / peak:.0%} of the {peak / 1e9:.0f} of a large product"
    )


def test_gauss_legendre_10_is_at_least_as_close_to_converged_as_right_20(model: LoadedModel, ledger: Ledger) -> None:
    queries = pararel_prompts(model)

    def neurons(rule: str, steps: int) -> list[set[int]]:
        localizer = IntegratedGradients(quadrature=Quadrature(rule=rule, steps=steps))
        kept = [keep_largest(found.scores) for found in localizer.attribute(model, queries, batch_size=None)]
        return [set(Selection().select(k.neurons, k.scores, k.max_score).tolist()) for k in kept]

    converged = neurons("gauss-legendre", 64)

    def jaccard(found: list[set[int]]) -> float:
        return float(np.mean([len(a & b) / len(a | b) for a, b in zip(found, converged, strict=True)]))

    right, gauss = jaccard(neurons("right", 20)), jaccard(neurons("gauss-legendre", 10))
    ledger.notes.append(f"Jaccard of KN sets with converged ones: right-20 {right:.3f}, gauss-legendre-10 {gauss:.3f}")
    assert gauss >= right


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's process status")
def test_memory_beyond_the_weights(ledger: Ledger) -> None:
    """Peak resident memory of a process of its own, above what it had with the model and the prompts in place."""
    output = subprocess.run(
        [sys.executable, "-c", "from benchmarks.test_localization import print_memory; print_memory()"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    ).stdout
    beyond = int(output.splitlines()[-1])
    ledger.notes.append(f"peak memory beyond the weights at the default batch: {beyond / 2**30:.2f} GiB")
    assert beyond < 1.5 * 2**30


def print_memory() -> None:
    torch.set_num_threads(2)
    model = gpt2_small()
    queries = [*pararel_prompts(model), *long_prompts(model)]
    torch.randn(512, 512) @ torch.randn(512, 512)  # thread pools and scratch space of the library
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here; building the model had one of its own
    before = _status("VmRSS")
    IntegratedGradients().attribute(model, queries, batch_size=None)
    print(_status("VmHWM") - before)


def _status(field: str) -> int:
    """A size from Linux's process status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)
