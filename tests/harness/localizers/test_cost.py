"""The cost that a localizer tells beforehand, against operations counted while it runs."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from harness.attribution.node_sums import NodeSum
from harness.attribution.path_sums import Paths, PathSums
from harness.attribution.quadrature import Quadrature
from harness.localizers.cost import HasCost, forward_operations
from harness.localizers.integrated_gradients import IntegratedGradients
from harness.models.handle import resolve_model
from harness.models.shape import shape_of
from tests.counted_operations import CountedOperations
from tests.random_models import FAMILIES, random_model, random_queries, with_answers

EVERY_NODE = Quadrature(exhaustive=True)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("steps", [3, 20])
@pytest.mark.parametrize("layers", [1, 5])
def test_operations_are_those_that_are_run(family: str, steps: int, layers: int) -> None:
    model = random_model(family, dtype=torch.float32, layers=layers)
    queries = random_queries([2, 6, 6, 11])
    localizer = IntegratedGradients(quadrature=Quadrature(steps=steps, exhaustive=True))
    assert isinstance(localizer, HasCost)
    cost = localizer.cost(shape_of(model, itemsize=4), [2, 6, 6, 11], [1, 1, 1, 1], batch_size=1)
    with CountedOperations(attention=False) as counted:
        localizer.attribute(model, queries, batch_size=1)
    assert cost.operations == pytest.approx(counted.operations, rel=0.01)


@pytest.mark.parametrize("family", FAMILIES)
def test_operations_of_answers_of_several_tokens(family: str) -> None:
    model, answers = random_model(family, dtype=torch.float32, layers=5), [2, 1, 4]
    queries = with_answers(random_queries([2, 6, 11]), answers)
    localizer = IntegratedGradients(quadrature=EVERY_NODE, answer="joint")
    cost = localizer.cost(shape_of(model, itemsize=4), [2, 6, 11], answers, batch_size=1)
    with CountedOperations(attention=False) as counted:
        localizer.attribute(model, queries, batch_size=1)
    assert cost.operations == pytest.approx(counted.operations, rel=0.01)
    first = IntegratedGradients(quadrature=EVERY_NODE).cost(
        shape_of(model, itemsize=4), [2, 6, 11], answers, batch_size=1
    )
    assert cost.working_bytes == 4 * first.working_bytes


@pytest.mark.parametrize("family", FAMILIES)
def test_few_nodes_cost_what_is_run_where_a_fifth_of_the_paths_is_rough(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many are rough is up to the data; all else is counted."""
    model, queries = random_model(family, dtype=torch.float32, layers=5), random_queries([6] * 10)

    truly = Paths.sums

    def two_of_ten_are_rough(paths: Paths, node_sum: NodeSum, *others: Any) -> PathSums:
        sums = truly(paths, node_sum, *others)
        doubt = torch.zeros_like(sums.doubt)
        doubt[:2] = float("inf") if len(node_sum.null_rules) else 0.0
        return replace(sums, doubt=doubt)

    monkeypatch.setattr(Paths, "sums", two_of_ten_are_rough)
    cost = IntegratedGradients().cost(shape_of(model, itemsize=4), [6] * 10, [1] * 10, batch_size=10)
    with CountedOperations(attention=False) as counted:
        IntegratedGradients().attribute(model, queries, batch_size=10)
    assert cost.operations == pytest.approx(counted.operations, rel=0.02)


def test_memory_grows_with_the_batch_and_not_beyond_the_queries() -> None:
    shape, localizer = shape_of(random_model("gpt2"), itemsize=4), IntegratedGradients()
    one, four, all_of_them = (
        localizer.cost(shape, [5] * 6, [1] * 6, batch_size=size).working_bytes for size in (1, 4, 1000)
    )
    assert (four, all_of_them) == (4 * one, 6 * one)


def test_the_shape_needs_no_weights() -> None:
    handle = resolve_model("tiny-gpt2")
    shape = handle.shape
    assert handle.n_loads == 0
    assert shape == shape_of(handle.loaded(), itemsize=4)
    assert shape.parameters == sum(p.numel() for p in handle.loaded().model.parameters())
    assert (shape.n_layers, shape.d_model, shape.d_ff, shape.vocabulary) == (4, 128, 512, 2048)
    # attention (query, key, value, output) and FFN (in, out), each a matrix
    assert shape.block_weights == 4 * 128**2 + 2 * 128 * 512


def test_running_tokens_is_two_operations_a_weight() -> None:
    model = random_model("gpt2", dtype=torch.float32)
    ids = torch.arange(1, 8)[None]
    with CountedOperations() as counted:
        model.model(input_ids=ids)
    assert forward_operations(shape_of(model, itemsize=4), 7, answers=7) == counted.operations
