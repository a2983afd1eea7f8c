"""What is drawn for a fact: known queries, another object, unrelated prompts; the same again by the same seed."""

from dataclasses import replace

import pytest

from harness.editing import ERASE, UPDATE, Draws, EditPlan, EditRequest, LocatedFact, plan_edits
from harness.errors import ConfigError
from harness.neurons import NeuronSet
from tests.harness.editing.edits import located_facts
from tests.random_models import random_model

MODEL = random_model("gpt2", layers=2)


def plan(facts: list[LocatedFact], kind: str, draws: Draws | None = None, **kwargs) -> EditPlan:
    return plan_edits(facts, kind, tokenizer=MODEL.tokenizer, context_length=64, draws=draws or Draws(), **kwargs)


@pytest.fixture(scope="module")
def facts() -> list[LocatedFact]:
    return located_facts(MODEL, 40)


@pytest.mark.parametrize("kind", [ERASE, UPDATE])
def test_what_an_edit_is_scored_on(kind: str, facts: list[LocatedFact]) -> None:
    found = plan(facts, kind, Draws(n_passages=9))
    assert len(found.cases) == 40
    by_uid = {located.fact.uid: located for located in facts}
    by_prompt = {query.prompt_ids: located.fact for located in facts for query in located.queries}
    for case in found.cases:
        request, located = case.request, by_uid[case.request.fact_uid]
        assert located.known[case.query_index]
        assert request.prompt_ids == located.queries[case.query_index].prompt_ids
        assert len(case.neighbors) == 2
        assert case.n_unknown_neighbors == 1
        assert len(request.neighbor_prompts) == len(request.neighbor_ids) == len(request.neighbor_neurons) == 3
        assert request.prompt not in request.neighbor_prompts
        assert case.target == (request.object_ids if kind == ERASE else request.new_object_ids)[0]
        assert all(target == case.target for _, target in case.neighbors)
        assert NeuronSet(request.neuron_sets["local"]) == located.local[case.query_index]
        union = set().union(*map(set, located.local))
        assert set(request.neuron_sets["global"]) == union
        assert len(case.other) == 5
        for prompt in case.other:
            assert by_prompt[prompt].relation != request.relation
        for prompt in case.same:
            assert by_prompt[prompt].relation == request.relation
        for prompt in (*case.other, *case.same):
            assert by_prompt[prompt].subject != request.subject
            assert by_prompt[prompt].object not in (request.object, request.new_object)
        assert len(set(case.passages)) == 5
        if kind == UPDATE:
            assert request.new_object != request.object
            assert request.new_object_ids[0] != request.object_ids[0]
            assert request.new_object in {f.fact.object for f in facts if f.fact.relation == request.relation}


def test_the_same_seed_draws_the_same_and_another_does_not(facts: list[LocatedFact]) -> None:
    assert plan(facts, UPDATE).cases[3].other == plan(facts, UPDATE).cases[3].other
    one, other = plan(facts, UPDATE, Draws(seed=0, n_passages=9)), plan(facts, UPDATE, Draws(seed=1, n_passages=9))
    for draw in ("query_index", "other", "same", "passages"):
        assert [getattr(case, draw) for case in one.cases] != [getattr(case, draw) for case in other.cases], draw
    assert [c.request.new_object for c in one.cases] != [c.request.new_object for c in other.cases]


def test_erasure_and_update_edit_the_same_queries(facts: list[LocatedFact]) -> None:
    erase, update = plan(facts, ERASE).cases, plan(facts, UPDATE).cases
    assert [case.query_index for case in erase] == [case.query_index for case in update]


def test_more_draws_of_one_kind_change_no_other(facts: list[LocatedFact]) -> None:
    few, many = plan(facts, UPDATE, Draws(n_other=2)).cases, plan(facts, UPDATE, Draws(n_other=7)).cases
    assert [c.same for c in few] == [c.same for c in many]
    assert [c.other for c in few] == [c.other[:2] for c in many]


def test_facts_that_cannot_be_edited_are_counted(facts: list[LocatedFact]) -> None:
    unknown = replace(facts[0], known=(False,) * 4)
    alone = [located for located in facts[1:] if located.fact.relation != "R2" or located is facts[2]]
    found = plan([unknown, *alone], UPDATE)
    assert found.skipped == {
        "the model knows none of its queries": 1,
        "its relation has no other object that begins with another token": 1,
    }
    assert len(found.cases) == len(alone) - 1
    everything = {"R2": ["w1", "w2"]} | {f"R{i}": [located.fact.object for located in facts] for i in (0, 1, 3)}
    assert plan([unknown, *alone], UPDATE, objects=everything).skipped == {"the model knows none of its queries": 1}


def test_an_object_that_begins_alike_is_not_drawn(facts: list[LocatedFact]) -> None:
    encoded = plan(facts[:4], UPDATE, objects={f"R{i}": ["w3 w4"] for i in range(4)})
    assert {case.request.new_object_ids for case in encoded.cases} == {(3, 4)}
    same_token = {f"R{i}": [f"{facts[i].fact.object} w9"] for i in range(4)}
    assert plan(facts[:4], UPDATE, objects=same_token).cases == ()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "forget"},
        {"kind": "erase"},
        {"new_object": None},
        {"new_object_ids": ()},
    ],
)
def test_requests_that_make_no_sense(change: dict, facts: list[LocatedFact]) -> None:
    request: EditRequest = plan(facts, UPDATE).cases[0].request
    with pytest.raises(ConfigError):
        replace(request, **change)
