"""Which activation functions have a kink."""

import pytest
from torch import nn
from transformers.activations import ACT2FN

from harness.models.smoothness import is_smooth
from tests.random_configs import MASKED, VARIANTS
from tests.random_models import random_variant


@pytest.mark.parametrize(
    "name", ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu", "mish", "tanh", "sigmoid"]
)
def test_smooth_ones(name: str) -> None:
    assert is_smooth(nn.Sequential(nn.Linear(2, 2), ACT2FN[name]))


@pytest.mark.parametrize("name", ["relu", "relu2", "relu6", "leaky_relu", "prelu"])
def test_kinked_ones(name: str) -> None:
    assert not is_smooth(nn.Sequential(nn.Linear(2, 2), ACT2FN[name]))


@pytest.mark.parametrize("variant", [*VARIANTS, *MASKED])
def test_of_all_families_only_opt_has_a_kink(variant: str) -> None:
    assert random_variant(variant).smooth is not variant.startswith("opt")
