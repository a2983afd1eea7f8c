"""The unmodified run of a model of either kind, and rows that climb from it."""

from collections.abc import Sequence
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

from harness.activations.climb import climb
from harness.activations.entries import Entry
from harness.activations.last_token import LastToken, run_last_token
from harness.activations.masked_token import MaskedToken, climb_sentences, run_masked_token
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery

Unmodified: TypeAlias = LastToken | MaskedToken
"""A causal model seen from the last token of its queries, a masked one from their mask tokens."""


def run_unmodified(model: LoadedModel, queries: Sequence[EncodedQuery], *, answer_tokens: int = 1) -> Unmodified:
    """Runs queries as they are: see `run_last_token`, and `run_masked_token`, whose answers are one token long."""
    if model.family.masked:
        return run_masked_token(model, queries)
    return run_last_token(model, queries, answer_tokens=answer_tokens)


def climb_rows(
    state: Unmodified,
    entries: Sequence[Entry | None],
    scales: Sequence[Float[Tensor, "queries _below d_ff"] | None] | None = None,
) -> Tensor:
    """Runs rows from the layer where they enter: see `climb` and `climb_sentences`.

    Returns:
        Hidden states after the last block where the answer is read, [queries, rows * positions, d_model]: one position
        for every answer token that counts, those of a row adjacent, rows ordered by the layer of entry.
    """
    if isinstance(state, MaskedToken):
        return climb_sentences(state, entries, scales)
    return climb(state, entries, scales)
