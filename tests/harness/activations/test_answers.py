import pytest
import torch

from harness.activations.answers import answer_statistics
from harness.models.queries import EncodedQuery
from tests.random_models import FAMILIES, random_model


@pytest.mark.parametrize("family", FAMILIES)
def test_equals_one_forward_pass_a_prefix(family: str) -> None:
    """Joint probability is the product over answer tokens, each after the gold ones before it."""
    model = random_model(family)
    queries = [
        EncodedQuery(prompt="", prompt_ids=(5, 6, 7), answer_ids=(8, 9, 10)),
        EncodedQuery(prompt="", prompt_ids=(3,), answer_ids=(4,)),
        EncodedQuery(prompt="", prompt_ids=(3, 90, 2, 17, 55), answer_ids=(1, 2)),
    ]
    for query, found in zip(queries, answer_statistics(model, queries), strict=True):
        steps = []
        for j, token in enumerate(query.answer_ids):
            ids = torch.tensor([query.prompt_ids + query.answer_ids[:j]])
            steps.append(model.model(input_ids=ids).logits[0, -1].softmax(-1)[token].item())
        assert found.answer_probability == pytest.approx(steps[0], rel=1e-6)
        assert found.joint_probability == pytest.approx(torch.tensor(steps).prod().item(), rel=1e-5)


def test_top_token() -> None:
    model = random_model("gpt2")
    ids = (5, 6, 7)
    top = int(model.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
    right = EncodedQuery(prompt="", prompt_ids=ids, answer_ids=(top, 3))
    wrong = EncodedQuery(prompt="", prompt_ids=ids, answer_ids=((top + 1) % 101,))
    assert [found.top_token_is_answer for found in answer_statistics(model, [right, wrong])] == [True, False]
