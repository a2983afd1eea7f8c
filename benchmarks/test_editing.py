"""Edits a second: the functional edit, batched, against weights written and restored one edit after the other.

    make bench

What is measured is what a table of edits takes: facts erased and updated by two editors, every edit scored against the
unmodified model. One at a time is what the code bases of the field do: run every prompt and passage by itself with the
logits of all positions, write the slices, run them again, put the slices back. Here each prompt and passage is asked of
the unmodified model once, whatever is edited. Beside it stands the part within the edits alone.

Batches save what every forward pass costs whatever it computes. That is most of it for prompts, and little for passages
in a model in which products of matrices take the time: those have to be computed under each edit.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Ledger
from benchmarks.set_up import gpt2_small
from harness.data.passages import load_passages
from harness.data.sources import load_dataset
from harness.editing import (
    KINDS,
    Draws,
    EditCase,
    KnowledgeNeurons,
    LocatedFact,
    encode_passages,
    evaluate_edits,
    plan_edits,
)
from harness.editing.evaluate import Unmodified, unmodified
from harness.models.handle import resolve_model
from harness.models.loaded import LoadedModel
from harness.models.queries import encode_query
from harness.neurons import NeuronSet
from tests.harness.editing.edits import Source
from tests.shared_data import SHARED

SETS = ("local", "global")
NEURONS = 25  # a query's set on the built-in models holds about so many


@dataclass(frozen=True)
class Size:
    """A model, and how many facts are edited in batches and one at a time."""

    model: Callable[[], LoadedModel]
    facts: int
    one_by_one: int
    needs: Path | None = None


SIZES = {
    "tiny-gpt2": Size(model=lambda: resolve_model("tiny-gpt2").loaded(), facts=32, one_by_one=4),
    "GPT-2 small": Size(model=gpt2_small, facts=8, one_by_one=2, needs=SHARED / "data/gpt2-tokenizer"),
}


def cases_of(model: LoadedModel, facts: int, passages: Sequence[tuple[int, ...]]) -> list[EditCase]:
    """Edits of embedded facts with neurons drawn at random: speed does not depend on which they are."""
    generator = torch.Generator().manual_seed(0)
    located: list[LocatedFact] = []
    for relation in load_dataset("embedded").sample(4, seed=0).relations:
        for fact in relation.facts:
            queries = tuple(
                encode_query(model.tokenizer, pattern.ask(fact), fact.object, context_length=model.context_length)
                for pattern in relation.patterns
            )
            drawn = torch.randint(model.n_layers * model.d_ff, (len(queries), NEURONS), generator=generator).tolist()
            local = tuple(NeuronSet.from_flat(row, model.d_ff) for row in drawn)
            located.append(LocatedFact(fact=fact, queries=queries, known=(True,) * len(queries), local=local))
    draws = Draws(n_passages=len(passages))
    return [
        case
        for kind in KINDS
        for case in plan_edits(
            located,
            kind,
            tokenizer=model.tokenizer,
            context_length=model.context_length,
            draws=draws,
            edited=range(0, facts * 2, 2),
        ).cases
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("with_text", [False, True], ids=["prompts", "prompts and passages"])
def test_batched_against_one_at_a_time(with_text: bool, size: str, benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    wanted = SIZES[size]
    if wanted.needs is not None and not wanted.needs.exists():
        pytest.skip(f"needs {wanted.needs.name}")
    source = Source(wanted.model)
    model = source.loaded()
    passages: Sequence[tuple[int, ...]] = ()
    if with_text:
        passages = encode_passages(model.tokenizer, load_passages("embedded"), context_length=model.context_length)
    cases = cases_of(model, wanted.facts, passages)
    some = cases[:: wanted.facts // wanted.one_by_one]
    n_edits = len(cases) * len(SETS)

    def edited(before: Unmodified) -> None:
        for name in SETS:
            evaluate_edits(source, cases, KnowledgeNeurons(neurons=name), passages=passages, before=before)

    benchmark.pedantic(
        lambda: edited(unmodified(model, cases, passages)), rounds=1 if wanted.needs else 2, warmup_rounds=1
    )
    whole = benchmark.stats.stats.min / n_edits
    before = unmodified(model, cases, passages)
    alone = min(seconds(lambda: edited(before)) for _ in range(1 if wanted.needs else 2)) / n_edits
    within, outside = one_at_a_time(model, some, passages)
    both = within + outside
    what = "prompts and passages" if with_text else "prompts"
    ledger.notes.append(
        f"edits a second, {size}, {what}: batched {1 / whole:.1f}, one at a time {1 / both:.1f}, {both / whole:.1f} x;"
        f" within the edits alone {within / alone:.1f} x"
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@torch.no_grad()
def one_at_a_time(
    model: LoadedModel, cases: Sequence[EditCase], passages: Sequence[tuple[int, ...]]
) -> tuple[float, float]:
    """Seconds an edit by weight mutation: within the edit, its making included, and before it; of the better turn."""

    def answers(case: EditCase) -> None:
        prompts = [case.request.prompt_ids, *(prompt for prompt, _ in case.neighbors), *case.other, *case.same]
        for ids in (*prompts, *(passages[number] for number in case.passages)):
            model.model(input_ids=torch.tensor([ids]), use_cache=False).logits.log_softmax(-1)

    def edited(case: EditCase, name: str) -> None:
        editor = KnowledgeNeurons(neurons=name, in_weights=True)
        with editor.edit(model.model, model.tokenizer, case.request):
            answers(case)

    n_edits = len(cases) * len(SETS)
    turns = [
        (
            sum(seconds(lambda case=case, name=name: edited(case, name)) for case in cases for name in SETS) / n_edits,
            sum(seconds(lambda case=case: answers(case)) for case in cases) / len(cases),
        )
        for _ in range(2)
    ]
    return min(turns)
