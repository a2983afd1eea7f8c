"""Edits a second: the functional edit, batched, against weights written and restored one edit after the other.

    make bench

One at a time is what the code bases of the field do: write the slices, run every prompt and passage by itself with
the logits of all positions, put the slices back. Both measure the same prompts and passages of the same edits.
"""

import time
from collections.abc import Sequence

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Ledger
from harness.data.passages import load_passages
from harness.data.sources import load_dataset
from harness.editing import Draws, EditCase, KnowledgeNeurons, LocatedFact, encode_passages, evaluate_edits, plan_edits
from harness.editing.evaluate import unmodified
from harness.models.handle import ModelHandle, resolve_model
from harness.models.queries import encode_query
from harness.neurons import NeuronSet

EDITS = 32
ONE_BY_ONE = 8
NEURONS = 25  # a query's set on the built-in model holds about so many


@pytest.fixture(scope="module")
def handle() -> ModelHandle:
    return resolve_model("tiny-gpt2")


def cases(handle: ModelHandle, passages: Sequence[tuple[int, ...]]) -> tuple[EditCase, ...]:
    """Updates of embedded facts with neurons drawn at random: speed does not depend on which they are."""
    generator = torch.Generator().manual_seed(0)
    size = handle.loaded().n_layers * handle.loaded().d_ff
    facts: list[LocatedFact] = []
    for relation in load_dataset("embedded").sample(4, seed=0).relations:
        for fact in relation.facts:
            queries = tuple(
                encode_query(handle.tokenizer, pattern.ask(fact), fact.object, context_length=64)
                for pattern in relation.patterns
            )
            drawn = torch.randint(size, (len(queries), NEURONS), generator=generator).tolist()
            local = tuple(NeuronSet.from_flat(row, handle.loaded().d_ff) for row in drawn)
            facts.append(LocatedFact(fact=fact, queries=queries, known=(True,) * len(queries), local=local))
    draws = Draws(n_passages=len(passages))
    return plan_edits(facts, "update", tokenizer=handle.tokenizer, context_length=64, draws=draws).cases[:EDITS]


@pytest.mark.parametrize("with_text", [False, True], ids=["prompts", "prompts and passages"])
def test_batched_against_one_at_a_time(
    with_text: bool, handle: ModelHandle, benchmark: BenchmarkFixture, ledger: Ledger
) -> None:
    model = handle.loaded()
    passages = encode_passages(handle.tokenizer, load_passages("embedded"), context_length=64) if with_text else ()
    edits, editor = cases(handle, passages), KnowledgeNeurons()
    before = unmodified(model, edits, passages)
    benchmark.pedantic(
        lambda: evaluate_edits(handle, edits, editor, passages=passages, before=before), rounds=2, warmup_rounds=1
    )
    batched = benchmark.stats.stats.min / len(edits)
    seconds = one_at_a_time(handle, edits[:: EDITS // ONE_BY_ONE], passages) / ONE_BY_ONE
    what = "prompts and passages" if with_text else "prompts"
    ledger.notes.append(
        f"edits a second, {what}: batched {1 / batched:.1f}, one at a time {1 / seconds:.1f}, {seconds / batched:.1f} x"
    )


@torch.no_grad()
def one_at_a_time(handle: ModelHandle, edits: Sequence[EditCase], passages: Sequence[tuple[int, ...]]) -> float:
    """Seconds that weight mutation takes for these edits, the better of two turns."""
    model, editor = handle.loaded(), KnowledgeNeurons(in_weights=True)
    turns: list[float] = []
    for _ in range(2):
        start = time.perf_counter()
        for case in edits:
            prompts = [case.request.prompt_ids, *(prompt for prompt, _ in case.neighbors), *case.other, *case.same]
            with editor.edit(model.model, model.tokenizer, case.request):
                for ids in (*prompts, *(passages[number] for number in case.passages)):
                    model.model(input_ids=torch.tensor([ids]), use_cache=False).logits.log_softmax(-1)
        turns.append(time.perf_counter() - start)
    return min(turns)
