"""Facts with made-up knowledge neurons on random models: what the tests of editing edit."""

from collections.abc import Sequence

import numpy as np

from harness.data.facts import Fact
from harness.editing import Draws, EditCase, EditRequest, LocatedFact, plan_edits
from harness.models.loaded import LoadedModel
from harness.models.queries import encode_query
from harness.neurons import NeuronSet
from tests.random_models import VOCABULARY


class Source:
    """Gives one model until it is told to forget it, then makes another."""

    def __init__(self, make) -> None:
        self._make = make
        self._model: LoadedModel | None = None
        self.n_loads = 0

    def loaded(self) -> LoadedModel:
        if self._model is None:
            self.n_loads += 1
            self._model = self._make()
        return self._model

    def release(self) -> None:
        self._model = None


def located_facts(model: LoadedModel, n: int = 12, k: int = 4, *, seed: int = 0) -> list[LocatedFact]:
    """Facts of four relations, each with a subject of its own; all queries but the last count as known."""
    rng = np.random.default_rng(seed)
    facts = []
    for number in range(n):
        subject, obj = f"w{2 * number + 11}", f"w{rng.integers(1, VOCABULARY)}"
        fact = Fact(uid=f"fact-{number}", relation=f"R{number % 4}", subject=subject, object=obj)
        prompts = [f"w{rng.integers(1, VOCABULARY)} {subject}" + " w5" * i for i in range(k)]
        queries = tuple(encode_query(model.tokenizer, prompt, obj, context_length=64) for prompt in prompts)
        facts.append(
            LocatedFact(
                fact=fact,
                queries=queries,
                known=tuple(i < k - 1 for i in range(k)),
                local=tuple(random_neurons(model, rng, 1 + 3 * i) for i in range(k)),
                sets={name: random_neurons(model, rng, n) for name, n in (("cas", 5), ("none", 0), ("cas-matched", 2))},
            )
        )
    return facts


def random_neurons(model: LoadedModel, rng: np.random.Generator, n: int) -> NeuronSet:
    return NeuronSet((int(rng.integers(model.n_layers)), int(rng.integers(model.d_ff))) for _ in range(n))


def cases_of(
    model: LoadedModel, kind: str, *, facts: Sequence[LocatedFact] | None = None, n: int = 12, n_passages: int = 0
) -> tuple[EditCase, ...]:
    plan = plan_edits(
        facts or located_facts(model, n),
        kind,
        tokenizer=model.tokenizer,
        context_length=64,
        draws=Draws(n_passages=n_passages, n_other=3, n_same=2),
    )
    return plan.cases


def request_of(model: LoadedModel, kind: str, number: int = 0) -> EditRequest:
    return cases_of(model, kind)[number].request
