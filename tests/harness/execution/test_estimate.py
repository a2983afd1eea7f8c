from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from harness.execution.estimate import (
    EFFICIENCY,
    HALF_EFFICIENCY,
    SMALL_EFFICIENCY,
    Estimate,
    estimate,
    matrix_product_rate,
)
from harness.localizers import AttributionMap
from harness.localizers.cost import Cost
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.models.shape import ModelShape
from tests.random_localizer import RandomNeurons
from tests.random_models import random_queries

SHAPE = ModelShape(
    n_layers=2, d_model=3, d_ff=5, vocabulary=7, block_weights=11, parameters=100, itemsize=4, working_bytes=1 << 30
)
QUERIES = random_queries([4, 6])


class Costly:
    """Says what it costs."""

    def __init__(self, operations: float, working_bytes: int) -> None:
        self._cost = Cost(operations=operations, working_bytes=working_bytes)

    @property
    def name(self) -> str:
        return "costly"

    def config(self) -> dict[str, Any]:
        return {}

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap]:
        raise NotImplementedError

    def cost(
        self,
        shape: ModelShape,
        prompt_lengths: Sequence[int],
        answer_lengths: Sequence[int],
        *,
        batch_size: int | None,
    ) -> Cost:
        same = replace(shape, parameters=SHAPE.parameters, itemsize=SHAPE.itemsize)
        assert (same, list(prompt_lengths), batch_size) == (SHAPE, [4, 6], 3)
        return self._cost


def test_the_sum_over_localizers() -> None:
    found = estimate(
        [(Costly(1e6, 500), QUERIES), (Costly(2e6, 300), QUERIES)], SHAPE, rate=1e3, batch_size=3, bytes_a_row=10
    )
    # Every query is also run once with its answer of one token: 2 * 11 * tokens * 2 layers, and 2 * 3 * 7 for the head.
    answering = 2 * sum(2 * 11 * tokens * 2 + 2 * 3 * 7 for tokens in (4, 6))
    assert found.seconds == pytest.approx((3e6 + answering) / (1e3 * SMALL_EFFICIENCY))
    assert (found.memory_bytes, found.disk_bytes) == (400 + 500, 40)


def test_a_localizer_that_does_not_tell_is_unknown_but_for_the_disk() -> None:
    found = estimate([(RandomNeurons(), QUERIES)], SHAPE, rate=1e3, batch_size=None, bytes_a_row=10)
    assert found == Estimate(seconds=None, memory_bytes=None, disk_bytes=20)


def test_nothing_missing_costs_nothing_whoever_would_compute_it() -> None:
    found = estimate([(RandomNeurons(), [])], SHAPE, rate=1e3, batch_size=None, bytes_a_row=10)
    assert found == Estimate(seconds=0.0, memory_bytes=0, disk_bytes=0)


def test_the_rate_is_one_that_a_processor_can_have() -> None:
    assert 1e8 < matrix_product_rate(torch.device("cpu"), "float32") < 1e15


@pytest.mark.parametrize(
    ("parameters", "itemsize", "efficiency"),
    [(9_999_999, 4, SMALL_EFFICIENCY), (10_000_000, 4, EFFICIENCY), (10_000_000, 2, HALF_EFFICIENCY)],
)
def test_small_models_and_small_weights_reach_less_of_a_matrix_product(
    parameters: int, itemsize: int, efficiency: float
) -> None:
    shape = replace(SHAPE, parameters=parameters, itemsize=itemsize)
    found = estimate([(Costly(1e12, 500), QUERIES)], shape, rate=1e3, batch_size=3, bytes_a_row=10)
    assert found.seconds == pytest.approx(1e9 / efficiency, rel=1e-6)
