"""Token sequences of many lengths, cut into batches that waste little on padding."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Int
from torch import Tensor


def batches(lengths: Sequence[int], tokens_at_once: int, rows_at_once: int = 512) -> Iterator[list[int]]:
    """Indices of sequences that run together: of about equal length, within a batch in the order they came in.

    Args:
        lengths: tokens of each sequence.
        tokens_at_once: most tokens of a batch, padding included; a longer sequence is a batch of its own.
        rows_at_once: most sequences of a batch.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and ((len(batch) + 1) * lengths[index] > tokens_at_once or len(batch) == rows_at_once):
            yield sorted(batch)
            batch = []
        batch.append(index)
    if batch:
        yield sorted(batch)


def padded(sequences: Sequence[Sequence[int]]) -> Int[Tensor, "rows tokens"]:
    """Right-padded token ids: under a causal mask no real token sees the padding, so no attention mask is needed."""
    ids = torch.zeros(len(sequences), max(map(len, sequences)), dtype=torch.long)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = torch.tensor(sequence)
    return ids
