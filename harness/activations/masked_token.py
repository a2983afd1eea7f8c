"""The mask token of a masked language model: its unmodified run, and rows that enter there and climb.

Every token sees every other, so a change at the mask token changes all positions in the blocks above. A row is
therefore a whole sentence, an item of a batch; the blocks below its entry are as they were and are not run again.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.activations.calls import first_output, named_arguments
from harness.activations.entries import Entry, entry_neurons
from harness.errors import ModelError
from harness.models.hooks import recording_calls, replacing_input
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery, mask_position


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SentenceState:
    """A batch of sentences in one block.

    Attributes:
        arguments: what the block was called with besides the hidden state, by name.
        input: the hidden states that it was called with; what lies beyond a sentence is hidden by its mask.
        neurons: input of the output projection at the mask token.
        output: what the block returned at the mask token.
    """

    arguments: dict[str, Any]
    input: Float[Tensor, "queries tokens d_model"]
    neurons: Float[Tensor, "queries d_ff"]
    output: Float[Tensor, "queries 1 d_model"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskedToken:
    """The unmodified run of a batch of queries, seen from their mask tokens.

    Attributes:
        model: the model that ran.
        queries: what was run.
        blocks: one state a block, lowest first.
        position: where each query's mask token stands.
        answer: id of each query's answer token, its only one.
    """

    model: LoadedModel
    queries: tuple[EncodedQuery, ...]
    blocks: tuple[SentenceState, ...]
    position: Int[Tensor, " queries"]
    answer: Int[Tensor, "queries 1"]

    @property
    def neurons(self) -> Float[Tensor, "layers queries d_ff"]:
        """Unmodified neuron activations at the mask token."""
        device = self.blocks[0].neurons.device
        return torch.stack([block.neurons.to(device) for block in self.blocks])

    def select(self, indices: Sequence[int]) -> "MaskedToken":
        """The run of some of the queries, in any order, each as often as wanted; they are run again."""
        if list(indices) == list(range(len(self.queries))):
            return self
        return run_masked_token(self.model, [self.queries[index] for index in indices])


@torch.no_grad()
def run_masked_token(model: LoadedModel, queries: Sequence[EncodedQuery]) -> MaskedToken:
    """Runs sentences with one mask token each, padded on the right.

    Args:
        model: the model to run.
        queries: at least one query; lengths may differ.

    Raises:
        ModelError: a query is longer than the model's context.
    """
    ids, attended, position = padded_sentences(model, queries)
    calls: list[tuple[dict[str, Any], Tensor, Tensor]] = []
    neurons: list[Tensor] = []

    def at_mask(tokens: Tensor) -> Tensor:
        by_query = tokens.reshape(len(queries), ids.shape[1], -1)
        return by_query[torch.arange(len(queries)), position.to(tokens.device)]

    def keep_call(forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        hidden, arguments = named_arguments(forward, args, kwargs)
        out = first_output(output)
        calls.append((arguments, hidden.to(out.device), at_mask(out)[:, None]))

    with ExitStack() as stack:
        for block, projection in zip(model.blocks, model.output_projections, strict=True):
            stack.enter_context(recording_calls(block, partial(keep_call, block.forward)))
            stack.enter_context(recording_calls(projection, lambda args, _kw, _out: neurons.append(at_mask(args[0]))))
        model.model.base_model(input_ids=ids, attention_mask=attended)
    return MaskedToken(
        model=model,
        queries=tuple(queries),
        blocks=tuple(
            SentenceState(arguments=arguments, input=x, neurons=found, output=output)
            for (arguments, x, output), found in zip(calls, neurons, strict=True)
        ),
        position=position,
        answer=torch.tensor([query.answer_ids[:1] for query in queries], device=model.device),
    )


def padded_sentences(model: LoadedModel, queries: Sequence[EncodedQuery]) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids and attention mask, [queries, tokens], and where the mask tokens stand.

    RoBERTa counts positions from the tokens that are not its padding token, so padding has to be that token.

    Raises:
        ModelError: a query is longer than the model's context.
    """
    lengths = torch.tensor([len(query.prompt_ids) for query in queries])
    width, limit = int(lengths.max()), model.context_length
    if limit is not None and width > limit:
        raise ModelError(f"{model.name!r} takes {limit} tokens at once, but a query has {width}", model=model.name)
    padding = model.model.config.get_text_config().pad_token_id
    ids = torch.full((len(queries), width), 0 if padding is None else int(padding))
    for row, query in zip(ids, queries, strict=True):
        row[: len(query.prompt_ids)] = torch.tensor(query.prompt_ids)
    attended = torch.arange(width)[None, :] < lengths[:, None]
    position = torch.tensor([mask_position(query.prompt_ids, model.tokenizer) for query in queries])
    return ids.to(model.device), attended.long().to(model.device), position.to(model.device)


def climb_sentences(
    state: MaskedToken,
    entries: Sequence[Entry | None],
    scales: Sequence[Float[Tensor, "queries _below d_ff"] | None] | None = None,
) -> Tensor:
    """Runs rows from the layer where they enter to the last block.

    A row that enters at layer l is the sentence with layer l's neurons replaced at the mask token: the unmodified input
    of block l goes through it with the projection's input replaced there.

    Args:
        state: the unmodified run.
        entries: for every layer the neurons that its rows have instead, or None; differentiable.
        scales: for every layer what the neurons of the rows that entered below are multiplied by at the mask token as
            they pass, or None; None for rows that pass as they are.

    Returns:
        Hidden states after the last block at the mask token, [queries, rows, d_model], rows ordered by the layer of
        entry.
    """
    rows: Tensor | None = None  # [queries, rows, tokens, d_model]
    for block, module, projection, entry, scale in zip(
        state.blocks,
        state.model.blocks,
        state.model.output_projections,
        entries,
        scales or [None] * len(entries),
        strict=True,
    ):
        device = block.output.device  # blocks may lie on several
        rows = None if rows is None else rows.to(device)
        neurons = None if entry is None else entry_neurons(entry.to(device))
        if neurons is not None:
            below = block.input[:, None].expand(-1, neurons.shape[1], -1, -1)
            rows = below if rows is None else torch.cat([rows, below], dim=1)
        if rows is None:
            continue
        with ExitStack() as stack:
            shape, position = rows.shape[:3], state.position.to(device)
            if neurons is not None:
                stack.enter_context(replacing_input(projection, _put_last(neurons, shape, position)))
            if scale is not None:
                multiply = _multiplied(scale.to(device), shape, position)
                stack.enter_context(replacing_input(projection, multiply))
            rows = _run_block(block, module, rows)
    if rows is None:
        raise ValueError("no layer has an entry")
    return rows[torch.arange(len(rows)), :, state.position.to(rows.device)]


def _put_last(
    entry: Float[Tensor, "queries rows d_ff"], shape: torch.Size, position: Int[Tensor, " queries"]
) -> Callable[[Tensor], Tensor]:
    """Replaces the neurons of the last rows of every query at its mask token; `shape` is [queries, rows, tokens]."""
    queries, n_rows, _tokens = shape
    query = torch.arange(queries, device=entry.device)[:, None]
    row = torch.arange(n_rows - entry.shape[1], n_rows, device=entry.device)

    def put(neurons: Tensor) -> Tensor:
        by_row = neurons.reshape(*shape, -1).index_put((query, row, position[:, None]), entry)
        return by_row.view(neurons.shape)

    return put


def _multiplied(
    scale: Float[Tensor, "queries rows_below d_ff"], shape: torch.Size, position: Int[Tensor, " queries"]
) -> Callable[[Tensor], Tensor]:
    """Multiplies the neurons of the first rows of every query at its mask token."""
    query = torch.arange(shape[0], device=scale.device)[:, None]
    row = torch.arange(scale.shape[1], device=scale.device)

    def multiply(neurons: Tensor) -> Tensor:
        by_row = neurons.reshape(*shape, -1)
        scaled = by_row[query, row, position[:, None]] * scale
        return by_row.index_put((query, row, position[:, None]), scaled).view(neurons.shape)

    return multiply


def _run_block(block: SentenceState, module: torch.nn.Module, rows: Tensor) -> Tensor:
    """One block on all rows of all queries, with every query's arguments repeated for its rows."""
    queries, n_rows = rows.shape[:2]
    arguments = {
        name: value.repeat_interleave(n_rows, dim=0) if isinstance(value, Tensor) and len(value) == queries else value
        for name, value in block.arguments.items()
    }
    return first_output(module(rows.flatten(0, 1), **arguments)).unflatten(0, (queries, n_rows))
