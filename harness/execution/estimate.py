"""How long a localization will take and what it will occupy, before it is begun."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness.localizers import Localizer
from harness.localizers.cost import HasCost, forward_operations
from harness.models.queries import EncodedQuery
from harness.models.shape import ModelShape

EFFICIENCY = 0.7
"""Operations a second of a localization, relative to a large matrix product: measured 0.58 to 0.82 on the shape of
GPT-2 small on a CPU, 0.81 to 0.84 on that of LLaMA-3-8B on a GPU."""

HALF_EFFICIENCY = 0.3
"""The same with weights of two bytes, whose products are so fast that the rest counts: measured 0.24 to 0.31 on the
shape of LLaMA-3-8B on a GPU."""

SMALL_EFFICIENCY = 0.33
"""The same of a small model, whose products are too small to fill a processor: measured 0.31 to 0.35 with one to four
million parameters."""

SMALL_PARAMETERS = 10_000_000
"""Models with fewer parameters are small; between four million and the size of GPT-2 small nothing was measured."""

BYTES_A_ROW = 1_000
"""Of a row on disk, where the store holds none yet to learn it from: measured 650 and 1,100 on models of one and three
million parameters."""

_SECONDS_OF_MEASURING = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the missing rows of one model under one localizer will cost; None for what cannot be known.

    Attributes:
        seconds: time of computing, without that of loading the model.
        memory_bytes: weights and, at the fullest moment, what localizing takes beside them.
        disk_bytes: what the new shards will occupy.
    """

    seconds: float | None
    memory_bytes: int | None
    disk_bytes: int


def estimate(
    work: Sequence[tuple[Localizer, Sequence[EncodedQuery]]],
    shape: ModelShape,
    *,
    rate: float,
    batch_size: int | None,
    bytes_a_row: float,
) -> Estimate:
    """Estimates the cost of localizing queries.

    Args:
        work: localizers, each with the queries that it is to score.
        shape: dimensions of the model.
        rate: operations a second of a large matrix product, see `matrix_product_rate`.
        batch_size: queries at once; None for each localizer's judgement.
        bytes_a_row: size of a stored row.

    Returns:
        The sum over `work`; seconds and memory are None where a localizer does not know its cost.
    """
    rows = sum(len(queries) for _, queries in work)
    disk = round(rows * bytes_a_row)
    if not rows:
        return Estimate(seconds=0.0, memory_bytes=0, disk_bytes=disk)
    operations, working = 0.0, 0
    for localizer, queries in work:
        if not isinstance(localizer, HasCost):
            return Estimate(seconds=None, memory_bytes=None, disk_bytes=disk)
        prompt_lengths = [len(query.prompt_ids) for query in queries]
        answer_lengths = [len(query.answer_ids) for query in queries]
        cost = localizer.cost(shape, prompt_lengths, answer_lengths, batch_size=batch_size)
        operations += cost.operations + sum(_answering(shape, query) for query in queries)
        working = max(working, cost.working_bytes)
    return Estimate(
        seconds=operations / (rate * _efficiency(shape)),
        memory_bytes=shape.parameters * shape.itemsize + working,
        disk_bytes=disk,
    )


def _efficiency(shape: ModelShape) -> float:
    if shape.parameters < SMALL_PARAMETERS:
        return SMALL_EFFICIENCY
    return HALF_EFFICIENCY if shape.itemsize < 4 else EFFICIENCY


def matrix_product_rate(device: torch.device, dtype: str) -> float:
    """Operations a second of a large square matrix product: the best of about a second's."""
    size = 2048 if device.type == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    best, end = float("inf"), time.monotonic() + _SECONDS_OF_MEASURING
    repeats = 0
    while time.monotonic() < end or repeats < 2:  # the first also pays for start-up
        start = time.perf_counter()
        float((a @ b)[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - start)
        repeats += 1
    return 2 * size**3 / best


def _answering(shape: ModelShape, query: EncodedQuery) -> float:
    """Operations of what is asked of every query: how probable its answer is."""
    tokens = len(query.prompt_ids) + len(query.answer_ids) - 1
    return forward_operations(shape, tokens, answers=len(query.answer_ids))
