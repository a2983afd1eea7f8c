"""Metrics against values worked out by hand on a model of closed form; perplexity against transformers itself."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.editing import ERASE, UPDATE, EditCase, EditRequest, KnowledgeNeurons, evaluate_edits
from harness.editing.measuring import Question, Text, ask, negative_log_likelihoods
from harness.editing.metrics import Reaction, Reactions, score
from harness.editing.perplexity import encode_passages, perplexity
from harness.errors import DataError
from tests.harness.editing.edits import Source
from tests.harness.editing.lookup import WRITES, A, follows, lookup_model, probabilities
from tests.random_models import FAMILIES, random_model, random_queries

TEXT = (1, 3, 1, 2, 9, 1)


def case(kind: str) -> EditCase:
    """The edited query ends in token 1, whose answer is 5; one neighbor ends in 1 as well, the other in 2."""
    new = 8
    return EditCase(
        request=EditRequest(
            kind=kind,
            fact_uid="fact",
            prompt="",
            neighbor_prompts=("", ""),
            subject="",
            relation="R",
            object="",
            new_object="new" if kind == UPDATE else None,
            prompt_ids=(7, 1),
            neighbor_ids=((9, 1), (9, 2)),
            object_ids=(follows(1),),
            new_object_ids=(new,) if kind == UPDATE else (),
            neuron_sets={"local": ((0, 1),), "global": ((0, 1), (0, 2))},
        ),
        query_index=0,
        target=new if kind == UPDATE else follows(1),
        neighbors=(((9, 1), new), ((9, 2), new)) if kind == UPDATE else (((9, 1), follows(1)), ((9, 2), follows(2))),
        n_unknown_neighbors=1,
        other=((4, 3), (4, 1), (6, 4)),
        same=((8, 2),),
        passages=(0,),
    )


def scores(kind: str, neurons: str):
    (row,) = evaluate_edits(Source(lookup_model), [case(kind)], KnowledgeNeurons(neurons=neurons), passages=[TEXT])
    assert (row.n_neurons, row.nonpositive) == ((1, 0.0) if neurons == "local" else (2, 0.5))
    assert (row.n_predicted, row.n_neighbors, row.n_unknown_neighbors) == (5, 2, 1)
    return row.scores


def unmodified(token: int) -> list[float]:
    return probabilities({token: 1.0, follows(token): WRITES})


def test_erasing_the_local_set() -> None:
    found = scores(ERASE, "local")
    erased = probabilities({1: 1.0})  # the neuron of token 1 writes nothing, so the stream is e_1
    p, kept = erased[follows(1)], unmodified(2)[follows(2)]
    assert (found.reliability, found.generalization) == (1, 0.5)
    assert (found.locality, found.locality_other, found.locality_same) == (3 / 4, 2 / 3, 1)
    assert found.average == pytest.approx((1 + 0.5 + 0.75) / 3)
    assert found.reliability_p == pytest.approx(1 - p)
    assert found.generalization_p == pytest.approx(1 - (p + kept) / 2)
    lost = unmodified(1)[follows(1)] - p
    assert found.locality_p == pytest.approx((3 + 1 - lost) / 4)
    assert found.average_p == pytest.approx((found.reliability_p + found.generalization_p + found.locality_p) / 3)
    before = sum(-math.log(unmodified(token)[after]) for token, after in pairwise(TEXT)) / 5
    after = before + sum(math.log(unmodified(1)[token]) - math.log(erased[token]) for token in (TEXT[1], TEXT[3])) / 5
    assert found.perplexity_before == pytest.approx(math.exp(before))
    assert found.perplexity_after == pytest.approx(math.exp(after))
    assert found.delta_perplexity == pytest.approx(math.exp(after - before) - 1)


def test_erasing_the_global_set() -> None:
    found = scores(ERASE, "global")
    assert (found.reliability, found.generalization) == (1, 1)
    assert (found.locality, found.locality_other, found.locality_same) == (2 / 4, 2 / 3, 0)


def test_updating() -> None:
    local, everywhere = scores(UPDATE, "local"), scores(UPDATE, "global")
    moved = probabilities({1: 1.0, follows(1): WRITES - 2 * A, 8: 2 * A})
    assert (local.reliability, local.generalization, local.locality) == (1, 0.5, 0.75)
    assert local.reliability_p == pytest.approx(moved[8])
    assert local.generalization_p == pytest.approx((moved[8] + unmodified(2)[8]) / 2)
    second = probabilities({2: 1.0, follows(2): WRITES, follows(1): -2 * A, 8: 2 * A})
    assert (everywhere.reliability, everywhere.generalization, everywhere.locality) == (1, 1, 0.5)
    assert everywhere.generalization_p == pytest.approx((moved[8] + second[8]) / 2)
    assert everywhere.average == pytest.approx(2.5 / 3)


def reactions(kind: str, edited: bool, neighbors: list[bool], other: list[bool]) -> Reactions:
    def of(hit: bool) -> Reaction:
        return Reaction(hit=hit, probability=0.25 + 0.5 * hit, probability_before=0.75)

    return Reactions(
        kind=kind,
        edited=of(edited),
        neighbors=[of(hit) for hit in neighbors],
        other=[of(hit) for hit in other],
        same=[],
        perplexity_before=None,
        perplexity_after=None,
    )


@given(st.booleans(), st.lists(st.booleans()), st.lists(st.booleans()))
def test_an_erasure_is_an_update_turned_round(edited: bool, neighbors: list[bool], other: list[bool]) -> None:
    update = score(reactions(UPDATE, edited, neighbors, other))
    erase = score(reactions(ERASE, edited, neighbors, other))
    assert erase.reliability == 1 - update.reliability
    assert erase.reliability_p == 1 - update.reliability_p
    assert erase.locality == update.locality
    assert (erase.generalization is None) is (update.generalization is None) is (not neighbors)
    assert (erase.average is None) is (not neighbors or not other)
    if neighbors:
        assert erase.generalization == pytest.approx(1 - sum(neighbors) / len(neighbors))
    if neighbors and other:
        assert update.average == pytest.approx((edited + sum(neighbors) / len(neighbors) + sum(other) / len(other)) / 3)
    assert update.delta_perplexity is update.locality_same is None


@pytest.mark.parametrize("family", FAMILIES)
def test_likelihoods_are_those_of_transformers_itself(family: str) -> None:
    model = random_model(family)
    texts = [query.prompt_ids for query in random_queries([32, 2, 50, 50, 7])]
    for ids, found in zip(texts, negative_log_likelihoods(model, [Text(ids) for ids in texts]), strict=True):
        row = torch.tensor([ids])
        with torch.no_grad():
            mean = model.model(input_ids=row, labels=row).loss  # the mean over predicted tokens, shifted by one
        assert found == pytest.approx(float(mean) * (len(ids) - 1), rel=1e-6)


def test_answers_do_not_depend_on_company() -> None:
    model = random_model("llama")
    questions = [
        Question(query.prompt_ids, None if i % 2 else 5) for i, query in enumerate(random_queries([9, 1, 4, 4]))
    ]
    together = ask(model, questions)
    for question, found in zip(questions, together, strict=True):
        (alone,) = ask(model, [question])
        with torch.no_grad():
            p = model.model(input_ids=torch.tensor([question.ids])).logits[0, -1].softmax(-1)
        assert found.top == alone.top == int(p.argmax())
        watched = found.top if question.watched is None else question.watched
        assert found.probability == pytest.approx(alone.probability) == pytest.approx(float(p[watched]))


def test_perplexity_is_over_all_tokens_not_the_mean_of_passages() -> None:
    assert perplexity([3 * math.log(2), 1 * math.log(32)], [3, 1]) == pytest.approx(4)  # (2^3 * 32)^(1/4)
    assert perplexity([float("nan"), 1.0], [1, 1]) is None
    assert perplexity([1e6], [1]) is None


def test_no_passage_is_long_enough() -> None:
    with pytest.raises(DataError, match="none of the 2 passages has 32 tokens"):
        encode_passages(random_model("gpt2").tokenizer, ["w1", "w1 " * 31], context_length=64)
