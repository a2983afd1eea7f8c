"""Localizers under the joint probability: mixed answers in one call, and those of one's own."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.errors import ConfigError
from harness.localizers import LOCALIZERS, AttributionMap, HasVariant, Unscored, make_localizer
from harness.localizers.batches import TOO_IMPROBABLE
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.naive import NAIVE, naive_path_integral
from tests.random_models import (
    FAMILIES,
    norms_in_the_models_dtype,
    random_cloze,
    random_model,
    random_queries,
    random_variant,
    with_answers,
)

PATHS = ("ig", "sig", "amig", "amig-paper", "random")
RIGHT_4 = Quadrature(rule="right", steps=4)
PROMPTS, ANSWERS = [4, 1, 6, 1, 3], [2, 1, 3, 3, 1]


@pytest.fixture(autouse=True)
def norms_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    norms_in_the_models_dtype(monkeypatch)


def maps(
    method: str,
    model: LoadedModel,
    queries: Sequence[EncodedQuery],
    *,
    answer: str = "joint",
    batch_size: int | None = None,
) -> list[np.ndarray]:
    localizer = make_localizer(method, quadrature=RIGHT_4, answer=answer)
    found = localizer.attribute(model, queries, batch_size=batch_size)
    assert all(isinstance(item, AttributionMap) for item in found)
    return [item.scores for item in found if isinstance(item, AttributionMap)]


def naive(method: str, model: LoadedModel, query: EncodedQuery) -> np.ndarray:
    nodes, weights = (torch.from_numpy(a) for a in RIGHT_4.nodes_and_weights())
    if method == "ig":
        return naive_path_integral(model, query.prompt_ids, query.answer_ids, nodes, weights).numpy()
    words = range(len(query.prompt_ids))
    scores = NAIVE[method](model, query.prompt_ids, words, query.answer_ids, nodes, weights).numpy()
    return scores / np.sqrt((scores**2).sum()) if method == "sig" else scores


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", ["ig", *NAIVE])
def test_equals_the_naive_method_for_mixed_answers(method: str, family: str, dtype: torch.dtype, bound: float) -> None:
    model, queries = random_model(family, dtype=dtype, layers=3), with_answers(random_queries(PROMPTS), ANSWERS)
    for query, found in zip(queries, maps(method, model, queries), strict=True):
        expected = naive(method, model, query)
        assert np.abs(found - expected).max() <= bound * np.abs(expected).max()


@pytest.mark.parametrize("batch_size", [1, pytest.param(2, marks=pytest.mark.slow), None])
@pytest.mark.parametrize("method", PATHS)
def test_company_changes_nothing(method: str, batch_size: int | None) -> None:
    model, queries = random_model("gpt2", layers=2), with_answers(random_queries(PROMPTS), ANSWERS)
    together = maps(method, model, queries[::-1], batch_size=batch_size)[::-1]
    for query, found in zip(queries, together, strict=True):
        (alone,) = maps(method, model, [query])
        np.testing.assert_allclose(found, alone, rtol=0, atol=1e-12 * np.abs(alone).max())


@pytest.mark.parametrize("family", ["gpt2", pytest.param("llama", marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", LOCALIZERS)
def test_one_token_answers_score_as_first_tokens_do_to_the_bit(method: str, family: str) -> None:
    model, queries = random_model(family, dtype=torch.float32), random_queries(PROMPTS)
    for joint, first in zip(
        maps(method, model, queries, batch_size=2),
        maps(method, model, queries, answer="first", batch_size=2),
        strict=True,
    ):
        np.testing.assert_array_equal(joint, first)


def test_a_masked_model_has_one_token_answers() -> None:
    model, queries = random_variant("bert"), random_cloze([5, 3])
    for joint, first in zip(maps("ig", model, queries), maps("ig", model, queries, answer="first"), strict=True):
        np.testing.assert_array_equal(joint, first)


def test_first_looks_at_no_other_token() -> None:
    model, queries = random_model("gpt2"), random_queries(PROMPTS)
    longer = [
        EncodedQuery(prompt=query.prompt, prompt_ids=query.prompt_ids, answer_ids=(*query.answer_ids, 7, 8))
        for query in queries
    ]
    for one, other in zip(
        maps("ig", model, queries, answer="first"), maps("ig", model, longer, answer="first"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_an_answer_too_improbable_for_a_number_gets_no_score() -> None:
    """Sixty tokens of a hundredth each are 1e-120, which float32 rounds to 0; the others are scored as ever."""
    model = random_model("gpt2", dtype=torch.float32)
    one, other = random_queries([4, 3])
    long = with_answers([one], [60])[0]
    localizer = make_localizer("ig", quadrature=RIGHT_4, answer="joint")
    found = localizer.attribute(model, [long, other], batch_size=None)
    assert found[0] == Unscored(reason=TOO_IMPROBABLE)
    assert isinstance(found[1], AttributionMap)
    assert found[1].completeness_gap is not None
    assert np.isfinite(found[1].scores).all()


class TestConfiguration:
    @pytest.mark.parametrize("method", PATHS)
    def test_is_part_of_what_results_are_stored_under(self, method: str) -> None:
        joint, first = (make_localizer(method, quadrature=RIGHT_4, answer=answer) for answer in ("joint", "first"))
        assert joint.config() != first.config()
        assert first == make_localizer(method, quadrature=RIGHT_4)

    @pytest.mark.parametrize("method", ["ig", "sig", "amig", "amig-paper"])
    def test_the_variant_counts_the_same_tokens(self, method: str) -> None:
        localizer = make_localizer(method, quadrature=RIGHT_4, answer="joint")
        assert isinstance(localizer, HasVariant)
        assert localizer.variant().config()["answer"] == "joint"

    def test_activation_knows_no_answer(self) -> None:
        joint, first = (make_localizer("activation", quadrature=RIGHT_4, answer=a) for a in ("joint", "first"))
        assert joint == first

    @pytest.mark.parametrize("method", ["ig", "sig", "amig", "activation"])
    def test_an_answer_that_does_not_exist(self, method: str) -> None:
        with pytest.raises(ConfigError, match=r"no answer 'jont'\. Did you mean joint"):
            make_localizer(method, quadrature=RIGHT_4, answer="jont")


class _Joint:
    """The least that passes for a localizer; its answer is a choice."""

    name = "mine"

    def __init__(self, answer: str = "first") -> None:
        self.answer = answer

    def config(self) -> dict[str, object]:
        return {"answer": self.answer}

    def attribute(self, *_args: object, **_choices: object) -> list[AttributionMap]:
        return []


always_joint = _Joint("joint")
always_first = _Joint()


def deaf(answer: str = "first") -> _Joint:
    """Takes the argument and does nothing with it."""
    return _Joint("first" if answer else "")


class TestOnesOwn:
    def test_a_class_that_takes_an_answer_is_given_it(self) -> None:
        found = make_localizer(f"{__name__}:_Joint", quadrature=RIGHT_4, answer="joint")
        assert found.config() == {"answer": "joint"}
        assert make_localizer(f"{__name__}:_Joint", quadrature=RIGHT_4).config() == {"answer": "first"}

    @pytest.mark.parametrize("answer", ["first", "joint"])
    def test_an_object_that_counts_all_tokens(self, answer: str) -> None:
        assert make_localizer(f"{__name__}:always_joint", quadrature=RIGHT_4, answer=answer) is always_joint

    @pytest.mark.parametrize(
        "name", ["tests.random_localizer:RandomNeurons", f"{__name__}:always_first", f"{__name__}:deaf"]
    )
    def test_one_that_does_not_is_refused(self, name: str) -> None:
        with pytest.raises(ConfigError, match=r"--answer joint was asked for, but '.*' does not take it: .* attribute"):
            make_localizer(name, quadrature=RIGHT_4, answer="joint")
        make_localizer(name, quadrature=RIGHT_4)
