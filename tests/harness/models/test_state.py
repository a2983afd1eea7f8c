"""A model's state tells every way in which it may come back changed."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from harness.models.state import model_state


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 2)
        self.register_buffer("scale", torch.ones(()))


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return Net().eval().requires_grad_(False)


def test_an_untouched_model_has_no_differences(net: nn.Module) -> None:
    before = model_state(net)
    net.first(torch.ones(3))
    assert before.differences(model_state(net)) == []


def _swap(net: nn.Module) -> None:
    with torch.no_grad():
        net.first.weight[0, 0], net.first.weight[0, 1] = net.first.weight[0, 1].clone(), net.first.weight[0, 0].clone()


def _last_bit(net: nn.Module) -> None:
    net.second.bias.data.view(torch.int32)[0] ^= 1


def _replace(net: nn.Module) -> None:
    old, net.first = net.first, nn.Linear(3, 4).requires_grad_(False).eval()
    net.first.load_state_dict(old.state_dict())


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        (_swap, "tensor first.weight changed"),
        (_last_bit, "tensor second.bias changed"),
        (lambda net: net.scale.fill_(2), "tensor scale (buffer) changed"),
        (_replace, "module first changed"),
        (lambda net: net.second.register_forward_pre_hook(lambda *_: None), "hooks of second changed"),
        (lambda net: net.second.register_full_backward_hook(lambda *_: None), "hooks of second changed"),
        (lambda net: net.train(), "flag first training changed"),
        (lambda net: net.requires_grad_(True), "flag first.weight gradient changed"),
        (lambda net: net.to(torch.float64), "tensor first.weight changed"),
    ],
)
def test_every_change_is_told(net: nn.Module, change: Callable[[nn.Module], object], phrase: str) -> None:
    before = model_state(net)
    change(net)
    assert phrase in before.differences(model_state(net))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_any_precision_can_be_read(net: nn.Module, dtype: torch.dtype) -> None:
    model = net.to(dtype)
    assert model_state(model).differences(model_state(model)) == []
