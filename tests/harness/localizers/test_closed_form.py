"""SIG and AMIG on a model whose answer probability can be written down.

One layer; attention takes the mean of what the tokens are worth, the norms are the identity. With e the worth of a
token, c0 and c1 the two neurons that do anything,

    c0 = gelu(2 mean(e)),  c1 = gelu(1.5 e_last),  p(answer) = sigmoid(0.3 + 0.9 c0 - 0.7 c1),

so along any straight path the gradient's mean is slope * (p(end) - p(start)) / (z(end) - z(start)), z the logit.
"""

import math

import numpy as np
import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.localizers import AttributionMap, make_localizer
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from tests.random_models import random_model

WORTH = {0: -0.5, 3: 0.8, 4: 1.1, 5: -0.2}
IDS = (3, 5, 4)
SLOPES, OFFSET = np.array([0.9, -0.7]), 0.3
CONVERGED = Quadrature(rule="gauss-legendre", steps=30)


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def gelu(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def neurons(ids: tuple[int, ...]) -> np.ndarray:
    worth = [WORTH[token] for token in ids]
    return np.array([gelu(2 * sum(worth) / len(worth)), gelu(1.5 * worth[-1])])


def mean_gradient(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    z = [float(OFFSET + SLOPES @ point) for point in (start, end)]
    return SLOPES * (sigmoid(z[1]) - sigmoid(z[0])) / (z[1] - z[0])


VALUE = neurons(IDS)
STARTS = [neurons((*IDS[:i], 0, *IDS[i + 1 :])) for i in range(3)]


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    loaded = random_model("gpt2", layers=1)
    inner, block = loaded.model, loaded.blocks[0]
    inner.transformer.ln_f = block.ln_1 = block.ln_2 = torch.nn.Identity()
    with torch.no_grad():
        for parameter in inner.parameters():
            parameter.zero_()
        inner.lm_head.weight = torch.nn.Parameter(torch.zeros(2, 48, dtype=torch.float64))
        inner.lm_head.weight[0, 0] = 1.0  # logit of word 0 is channel 0, that of word 1 is 0
        inner.transformer.wpe.weight[:, 0] = OFFSET
        for token, worth in WORTH.items():
            inner.transformer.wte.weight[token, 1] = worth
        block.attn.c_attn.weight[1, 2 * 48] = 1.0  # queries and keys are 0: every token counts the same
        block.attn.c_proj.weight[0, 2] = 1.0
        block.mlp.c_fc.weight[2, 0], block.mlp.c_fc.weight[1, 1] = 2.0, 1.5
        block.mlp.c_proj.weight[0, 0], block.mlp.c_proj.weight[1, 0] = map(float, SLOPES)
    inner.requires_grad_(False)
    return loaded


def scores(method: str, model: LoadedModel, quadrature: Quadrature = CONVERGED) -> np.ndarray:
    query = EncodedQuery(prompt="", prompt_ids=IDS, answer_ids=(0,))
    (found,) = make_localizer(method, quadrature=quadrature).attribute(model, [query], batch_size=None)
    assert isinstance(found, AttributionMap)
    assert not found.scores[0, 2:].any()
    return found.scores[0, :2]


def test_sig_sums_over_words_and_is_of_length_1(model: LoadedModel) -> None:
    total = sum((VALUE - start) * mean_gradient(start, VALUE) for start in STARTS)
    np.testing.assert_allclose(scores("sig", model), total / np.linalg.norm(total), rtol=1e-9)


def test_amig_has_one_path_from_the_mean(model: LoadedModel) -> None:
    expected = VALUE * mean_gradient(np.mean(STARTS, axis=0), VALUE)
    np.testing.assert_allclose(scores("amig", model), expected, rtol=1e-9)


def test_amig_as_printed_has_one_path_a_word(model: LoadedModel) -> None:
    expected = sum(VALUE * mean_gradient(start, VALUE) for start in STARTS)
    np.testing.assert_allclose(scores("amig-paper", model), expected, rtol=1e-9)


def test_right_riemann_is_the_sum_written_out(model: LoadedModel) -> None:
    """Eq. 17 with N = 4."""
    total = np.zeros(2)
    for start in STARTS:
        for k in (1, 2, 3, 4):
            p = sigmoid(float(OFFSET + SLOPES @ (start + k / 4 * (VALUE - start))))
            total += VALUE / 4 * p * (1 - p) * SLOPES
    np.testing.assert_allclose(scores("amig-paper", model, Quadrature(rule="right", steps=4)), total, rtol=1e-9)


def test_the_activation_value_is_the_neuron(model: LoadedModel) -> None:
    np.testing.assert_allclose(scores("activation", model), VALUE, rtol=1e-12)
