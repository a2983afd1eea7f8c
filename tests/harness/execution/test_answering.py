"""A model is asked once what it answers, whichever localizers' rows say so."""

from collections.abc import Sequence

import pytest

from harness.activations.answers import AnswerStatistics, answer_statistics
from harness.execution import answering
from harness.execution.answering import answers
from harness.execution.fitting import FittingSizes
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.random_models import random_model, random_queries


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many queries were asked together, call by call."""
    calls: list[int] = []

    def counting(model: LoadedModel, queries: Sequence[EncodedQuery]) -> list[AnswerStatistics]:
        calls.append(len(queries))
        return answer_statistics(model, queries)

    monkeypatch.setattr(answering, "answer_statistics", counting)
    return calls


def test_only_what_is_not_known_is_asked(asked: list[int]) -> None:
    model, queries = random_model("gpt2"), random_queries([3, 5, 2, 4])
    first = answers(model, queries[:3], FittingSizes(None))
    again = answers(model, queries[::-1], FittingSizes(None))
    assert asked == [3, 1]
    assert again[1:] == first[::-1]
    (alone,) = answer_statistics(model, queries[3:])
    assert again[0].joint_probability == pytest.approx(alone.joint_probability, rel=1e-9)
    assert answers(model, queries, FittingSizes(None)) == again[::-1]
    assert asked == [3, 1]


def test_another_model_is_asked_itself(asked: list[int]) -> None:
    queries = random_queries([3, 5])
    one, other = random_model("gpt2"), random_model("llama")
    assert answers(one, queries, FittingSizes(None)) != answers(other, queries, FittingSizes(None))
    assert asked == [2, 2]


def test_in_as_many_pieces_as_memory_wants(asked: list[int]) -> None:
    model, queries = random_model("gpt2"), random_queries([3, 5, 2])
    found = answers(model, queries, FittingSizes(2))
    assert asked == [2, 1]
    assert [a.top_token_is_answer for a in found] == [a.top_token_is_answer for a in answer_statistics(model, queries)]


def test_what_was_answered_goes_with_the_model() -> None:
    model = random_model("gpt2")
    before = len(answering._answered)
    answers(model, random_queries([3]), FittingSizes(None))
    assert len(answering._answered) == before + 1
    del model
    assert len(answering._answered) == before
