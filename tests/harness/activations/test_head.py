import pytest
import torch

from harness.activations import head as head_module
from harness.activations.head import log_probability_and_gradient


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("softcap", [None, 0.7])
@pytest.mark.parametrize("chunk", [1, 2, 320])
def test_equals_autograd_however_it_is_cut(
    bias: bool, softcap: float | None, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(head_module, "_CHUNK_ROWS", chunk)
    monkeypatch.setattr(head_module, "_CHUNK_ELEMENTS", {"cpu": 1})
    head = torch.nn.Linear(8, 31, bias=bias, dtype=torch.float64)
    hidden = torch.randn(5, 8, dtype=torch.float64, requires_grad=True)
    answer = torch.tensor([0, 30, 7, 7, 2])
    logits = head(hidden) if softcap is None else softcap * torch.tanh(head(hidden) / softcap)
    expected = logits.log_softmax(-1).gather(1, answer[:, None]).squeeze(1)
    (gradient,) = torch.autograd.grad(expected.sum(), hidden)
    log_p, slope = log_probability_and_gradient(head, hidden.detach(), answer, softcap=softcap)
    assert slope is not None
    torch.testing.assert_close(log_p, expected.detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(slope, gradient, rtol=0, atol=1e-12)


def test_an_answer_that_is_hardly_possible_has_a_gradient() -> None:
    head = torch.nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[200.0, 0.0], [0.0, 0.0]]))
    log_p, slope = log_probability_and_gradient(head, torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert slope is not None
    assert float(log_p[0]) == pytest.approx(-200.0)
    assert float(slope[0, 0]) == pytest.approx(-200.0)
