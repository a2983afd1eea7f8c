"""Whole queries in one padded batch: where an intervention reaches every position, no prefix can be shared."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.activations.head import log_probability_and_gradient
from harness.activations.masked_token import padded_sentences
from harness.models.hooks import recording_calls
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery, mask_position

TOKENS_AT_ONCE = 2048
"""Most tokens of one batch, padding counted."""
TOKENS_ENOUGH = 384
"""Tokens with which matrix products run at nearly full speed: shorter queries are padded to reach them, not beyond."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LastPositions:
    """What a batch shows at the last token of its queries, or at their mask tokens.

    Attributes:
        log_probability: log p of each query's first answer token; float32, or float64 where the weights are.
        neurons: input of every output projection, in the dtype of the weights.
    """

    log_probability: Float[Tensor, " queries"]
    neurons: Float[Tensor, "layers queries d_ff"]


def padded_ids(model: LoadedModel, queries: Sequence[EncodedQuery]) -> Int[Tensor, "queries tokens"]:
    """Token ids padded on the right with 0: under the causal mask no token of a query sees the padding."""
    ids = torch.zeros(len(queries), max(len(query.prompt_ids) for query in queries), dtype=torch.long)
    for row, query in zip(ids, queries, strict=True):
        row[: len(query.prompt_ids)] = torch.tensor(query.prompt_ids)
    return ids.to(model.device)


def batches_by_length(lengths: Sequence[int], batch_size: int | None) -> list[list[int]]:
    """Indices cut into batches of similar length, longest first.

    Args:
        lengths: tokens of each query.
        batch_size: queries at once; None for batches that a shorter query joins only below `TOKENS_ENOUGH`, and none
            above `TOKENS_AT_ONCE`.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not batches or _is_full(len(batches[-1]), lengths[batches[-1][0]], lengths[index], batch_size):
            batches.append([])
        batches[-1].append(index)
    return batches


def _is_full(size: int, longest: int, length: int, batch_size: int | None) -> bool:
    """Whether a batch of `size` queries, padded to `longest`, takes no query of `length`."""
    if batch_size is not None:
        return size >= batch_size
    enough = TOKENS_ENOUGH if length < longest else TOKENS_AT_ONCE - longest + 1
    return size * longest >= enough


def answering_positions(model: LoadedModel, queries: Sequence[EncodedQuery]) -> Int[Tensor, " queries"]:
    """Where each query's answer is read: at its last token, in a masked model at its mask token."""
    if model.family.masked:
        positions = [mask_position(query.prompt_ids, model.tokenizer) for query in queries]
    else:
        positions = [len(query.prompt_ids) - 1 for query in queries]
    return torch.tensor(positions, device=model.device)


@torch.no_grad()
def run_whole(model: LoadedModel, queries: Sequence[EncodedQuery]) -> LastPositions:
    """Runs queries as one batch, all their tokens, and reads their last tokens (in a masked model their mask tokens).

    Args:
        model: the model to run, with whatever surrounds it: an intervention that is on acts here.
        queries: at least one query; lengths may differ.

    Returns:
        On the model's device.
    """
    each = torch.arange(len(queries), device=model.device)
    last = answering_positions(model, queries)
    answer = torch.tensor([query.answer_ids[0] for query in queries], device=model.device)
    neurons: list[Tensor] = []

    def keep(args: tuple[Any, ...], _kwargs: dict[str, Any], _output: Tensor) -> None:
        # some families fold queries and tokens into one axis before the FFN
        by_query = args[0].reshape(len(queries), -1, model.d_ff)
        neurons.append(by_query[each.to(by_query.device), last.to(by_query.device)])

    with ExitStack() as stack:
        for projection in model.output_projections:
            stack.enter_context(recording_calls(projection, keep))
        hidden = _last_hidden(model, queries)
    hidden = hidden[each.to(hidden.device), last.to(hidden.device)]
    hidden = model.final_norm(hidden) if model.family.masked else hidden.to(model.head.weight.device)
    log_p, _ = log_probability_and_gradient(
        model.head, hidden, answer.to(hidden.device), softcap=model.softcap, gradient=False
    )
    device = model.device
    return LastPositions(log_probability=log_p.to(device), neurons=torch.stack([n.to(device) for n in neurons]))


def _last_hidden(model: LoadedModel, queries: Sequence[EncodedQuery]) -> Tensor:
    """Hidden states after the last block, [queries, tokens, d_model]; of a causal model, normed as its head reads them.

    The base model of a masked family ends before the transform that stands in front of the head.
    """
    if not model.family.masked:
        return model.model.base_model(input_ids=padded_ids(model, queries), use_cache=False).last_hidden_state
    ids, attended, _ = padded_sentences(model, queries)
    return model.model.base_model(input_ids=ids, attention_mask=attended).last_hidden_state
