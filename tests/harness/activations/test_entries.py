"""Rows on a straight path against the same rows one by one."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from harness.activations.entries import Segment, entry_neurons, projected_change

QUERIES, D_FF, D_MODEL = 3, 5, 4
NODES = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
WEIGHTS = torch.tensor([[1.0, 1.0, 1.0], [0.2, -3.0, 0.5]], dtype=torch.float64)


def projections() -> list[nn.Module]:
    torch.manual_seed(0)
    return [nn.Linear(D_FF, D_MODEL), nn.Linear(D_FF, D_MODEL, bias=False), Conv1D(D_MODEL, D_FF)]


def segment() -> Segment:
    generator = torch.Generator().manual_seed(1)
    reference, moved = torch.randn(2, QUERIES, D_FF, generator=generator, dtype=torch.float64)
    shifts = torch.zeros(len(WEIGHTS), QUERIES, D_FF, dtype=torch.float64).requires_grad_()
    return Segment(reference=reference, moved=moved, nodes=NODES, weights=WEIGHTS, shifts=shifts)


def test_the_last_node_is_the_unmodified_neurons() -> None:
    path = segment()
    torch.testing.assert_close(path.neurons()[:, -1], path.reference + path.moved)
    torch.testing.assert_close(path.neurons()[:, 0], path.reference)


@pytest.mark.parametrize("number", range(3))
def test_what_a_projection_makes_of_it_is_what_it_makes_of_every_row(number: int) -> None:
    projection, path = projections()[number].double(), segment()
    unmodified = path.reference + path.moved
    expected = projection(path.neurons()) - projection(unmodified)[:, None]
    torch.testing.assert_close(projected_change(path, projection, unmodified), expected)
    torch.testing.assert_close(projected_change(path.neurons(), projection, unmodified), expected)


@pytest.mark.parametrize("number", range(3))
def test_the_gradients_of_the_shifts_are_weighted_sums_of_those_of_the_rows(number: int) -> None:
    projection, path = projections()[number].double(), segment()
    towards = torch.randn(QUERIES, len(NODES), D_MODEL, dtype=torch.float64)
    (found,) = torch.autograd.grad(path.projected_change(projection), path.shifts, towards)
    (of_neurons,) = torch.autograd.grad(projection(path.neurons()), path.shifts, towards)
    rows = path.neurons().detach().requires_grad_()
    (each,) = torch.autograd.grad(projection(rows), rows, towards)
    for weights, sums, as_well in zip(WEIGHTS, found, of_neurons, strict=True):
        torch.testing.assert_close(sums, (weights[:, None] * each).sum(1))
        torch.testing.assert_close(as_well, sums)


def test_other_entries_are_their_neurons() -> None:
    rows = torch.ones(QUERIES, 2, D_FF)
    assert entry_neurons(rows) is rows
