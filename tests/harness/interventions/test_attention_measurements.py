"""Numbers of facts against one query, one set and one handwritten forward pass at a time."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from harness.interventions import attention_measurements as measured
from harness.interventions.attention_measurements import (
    AttentionPlan,
    FactAttention,
    FactQueries,
    attention_measurements,
    number_names,
)
from harness.interventions.compared_synapses import READINGS
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.state import model_state
from harness.synapses import SynapseSet
from tests.handwritten import Handwritten, forward
from tests.random_models import FAMILIES, random_model, random_queries

HEADS = 4
PLAN = AttentionPlan(shuffles=20)


def facts_of(model: LoadedModel) -> list[FactQueries]:
    """Two facts of three and two queries of unequal lengths."""
    queries = random_queries([6, 9, 5, 8, 7])
    rng = np.random.default_rng(1)
    neurons = [rng.choice(model.n_layers * model.d_ff, size=4, replace=False) for _ in queries]
    return [
        FactQueries(
            queries=tuple(queries[:3]), neurons=tuple(neurons[:3]), irrelevant=(queries[3], queries[4], queries[3])
        ),
        FactQueries(queries=tuple(queries[3:]), neurons=tuple(neurons[3:]), irrelevant=(queries[0], queries[1])),
    ]


def scaled(synapses: SynapseSet, factor: float) -> Callable[[int, torch.Tensor], torch.Tensor]:
    def edit(layer: int, weights: torch.Tensor) -> torch.Tensor:
        changed = weights.clone()
        for column, at, head in synapses:
            if at == layer:
                changed[head, :, column] *= factor
        return changed

    return edit


def by_hand(family: str, model: LoadedModel, fact: FactQueries) -> dict[str, float]:
    """Means over queries, every number spelled out anew."""

    def run(query: EncodedQuery, synapses: SynapseSet, factor: float) -> Handwritten:
        weights = model.model.state_dict()
        return forward(family, weights, query.prompt_ids, heads=HEADS, edit=scaled(synapses, factor))

    each: dict[str, list[float]] = {}
    for query, own, other in zip(fact.queries, fact.neurons, fact.irrelevant, strict=True):
        assert other is not None
        plain, elsewhere = run(query, SynapseSet(), 1), run(other, SynapseSet(), 1)
        columns, there = (one.maps.sum(dim=2).numpy() for one in (plain, elsewhere))
        for reading in READINGS:
            sets = PLAN.draw.compared(query.key, reading, columns, there)
            for which, synapses in zip(("self", "irrelevant", "random"), sets.sets(), strict=True):
                for factor, sign, times in (("suppress", -1, 0.0), ("enhance", 1, 2.0)):
                    after = run(query, synapses, times)
                    for quantity, value in differences(plain, after, own, query.answer_ids[0]).items():
                        each.setdefault(f"{quantity}_{factor}_{which}_{reading}", []).append(sign * value)
    return {name: float(np.mean(values)) for name, values in each.items()}


def differences(before: Handwritten, after: Handwritten, own: np.ndarray, answer: int) -> dict[str, float]:
    a, b = before.neurons.flatten().numpy(), after.neurons.flatten().numpy()
    p, q = (float(one.logits[-1].softmax(-1)[answer]) for one in (before, after))

    def apart(x: np.ndarray) -> float:
        rest = [abs(v) for i, v in enumerate(x) if i not in own]
        return float((np.mean([abs(x[i]) for i in own]) - np.mean(rest)) / np.std(rest))

    numbers: dict[str, float] = {
        "value": float(sum((b[i] - a[i]) * (1 if a[i] > 0 else -1) for i in own) / sum(abs(a[i]) for i in own)),
        "log_p": float(np.log(q) - np.log(p)),
        "prob": (q - p) / p,
        "contrast": apart(b) - apart(a),
    }
    mean = np.mean([a[i] for i in own])
    if abs(mean) > 0.1 * np.mean([abs(a[i]) for i in own]):
        numbers["value_mean"] = float((np.mean([b[i] for i in own]) - mean) / abs(mean))
    return numbers


@pytest.mark.parametrize("family", FAMILIES)
def test_numbers_equal_handwritten_passes(family: str) -> None:
    model = random_model(family, dtype=torch.float32)
    facts = facts_of(model)
    double = random_model(family)
    for fact, found in zip(facts, attention_measurements(model, facts, PLAN), strict=True):
        expected = by_hand(family, double, fact)
        assert len(expected) > 50
        for name, value in expected.items():
            assert found.numbers[name] == pytest.approx(value, rel=2e-3, abs=2e-3), name
        assert found.numbers["identity_change"] == 0
        assert (found.numbers["all_suppressed_change"] or 0) > 1e-3
        assert set(found.numbers) == set(number_names())
        assert all(found.numbers[f"{kind}_column"] is not None for kind in ("predominance", "shuffled"))


def test_facts_do_not_hang_on_one_another_and_the_model_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("gpt2")
    facts = facts_of(model)
    before = model_state(model.model)
    together = attention_measurements(model, facts, PLAN)
    monkeypatch.setattr(measured, "_BYTES_AT_ONCE", 1)
    apart = attention_measurements(model, facts[::-1], PLAN, batch_size=1)[::-1]
    for one, other in zip(together, apart, strict=True):
        assert one.excluded == other.excluded
        assert one.numbers == pytest.approx(other.numbers, abs=1e-9)
    assert model_state(model.model) == before


def test_what_cannot_be_measured_is_counted_and_has_no_number() -> None:
    model = random_model("gpt2", dtype=torch.float32)
    (fact, _) = facts_of(model)
    empty = np.zeros(0, dtype=np.int64)
    partly = FactQueries(
        queries=fact.queries, neurons=(empty, *fact.neurons[1:]), irrelevant=(*fact.irrelevant[:2], None)
    )
    nothing = FactQueries(queries=fact.queries[:1], neurons=(empty,), irrelevant=fact.irrelevant[:1])
    one, none = attention_measurements(model, [partly, nothing], PLAN)
    assert one.excluded["the query has no knowledge neuron"] == 1
    assert one.excluded["there is no query of another relation"] == 1
    alone = FactQueries(queries=fact.queries[1:2], neurons=fact.neurons[1:2], irrelevant=fact.irrelevant[1:2])
    single = attention_measurements(model, [alone], PLAN)[0]
    name = "value_suppress_self_without_first"
    assert one.numbers[name] == pytest.approx(single.numbers[name], abs=1e-5)
    assert none.numbers[name] is None
    assert none.numbers["predominance_column"] is None
    assert none.excluded == {"the query has no knowledge neuron": 1}


def test_no_facts_no_numbers() -> None:
    found: list[FactAttention] = attention_measurements(random_model("gpt2", layers=1), [], PLAN)
    assert found == []
