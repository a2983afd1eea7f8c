"""What one pass over prefix and last token leaves behind, so that nothing below an intervention is run twice.

In a causal language model a change at the last token changes nothing before it. The prefix of every query is run once
and keeps its keys and values; the last token is run once and keeps, block by block, what the block was called with,
what it returned and the neurons in between. Where several answer tokens count, the gold ones but the last stand behind
the last query token: what is read there depends on it too, so they are run and kept together with it.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache

from harness.activations.calls import first_output, named_arguments
from harness.errors import ModelError
from harness.models.hooks import recording_calls
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockState:
    """The last token in one block, and the answer tokens behind it, if any: the *positions*.

    Attributes:
        prefix_keys: keys of the prefix, [queries, heads, tokens, head width]; what lies beyond a query's prefix is junk
            that `LastToken.prefix_mask` hides.
        prefix_values: values of the prefix, likewise.
        arguments: what the block was called with besides the hidden state, by name.
        input: the hidden states that it was called with.
        neurons: input of the output projection at the last query token.
        output: what the block returned.
    """

    prefix_keys: Float[Tensor, "queries heads tokens width"]
    prefix_values: Float[Tensor, "queries heads tokens width"]
    arguments: dict[str, Any]
    input: Float[Tensor, "queries positions d_model"]
    neurons: Float[Tensor, "queries d_ff"]
    output: Float[Tensor, "queries positions d_model"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LastToken:
    """The unmodified run of a batch of queries, seen from their last token.

    Attributes:
        model: the model that ran.
        queries: what was run.
        blocks: one state a block, lowest first.
        prefix_mask: which prefix positions belong to the query.
        answer: ids of the answer tokens that count, one a position: each is what the position should predict.
    """

    model: LoadedModel
    queries: tuple[EncodedQuery, ...]
    blocks: tuple[BlockState, ...]
    prefix_mask: Bool[Tensor, "queries tokens"]
    answer: Int[Tensor, "queries positions"]

    @property
    def neurons(self) -> Float[Tensor, "layers queries d_ff"]:
        """Unmodified neuron activations at the last query token."""
        device = self.blocks[0].neurons.device
        return torch.stack([block.neurons.to(device) for block in self.blocks])

    @torch.no_grad()
    def select(self, indices: Sequence[int]) -> "LastToken":
        """The run of some of the queries, in any order, each as often as wanted; nothing is run again.

        But where blocks are called with biases that do not have a row a query: there the last tokens are run again.
        """
        if list(indices) == list(range(len(self.queries))):
            return self
        chosen = _Chosen(indices, of=len(self.queries))
        queries = [self.queries[index] for index in indices]
        if self.model.family.key_biases:
            cache = DynamicCache(config=self.model.model.config)
            for layer, block in enumerate(self.blocks):
                cache.update(chosen.rows(block.prefix_keys), chosen.rows(block.prefix_values), layer)
            n_answer_tokens, prefix_mask = self.answer.shape[1], chosen.rows(self.prefix_mask)
            return _behind_prefix(self.model, queries, cache, prefix_mask, answer_tokens=n_answer_tokens)
        return LastToken(
            model=self.model,
            queries=tuple(queries),
            blocks=tuple(
                BlockState(
                    prefix_keys=chosen.rows(block.prefix_keys),
                    prefix_values=chosen.rows(block.prefix_values),
                    arguments={name: chosen.argument(value) for name, value in block.arguments.items()},
                    input=chosen.rows(block.input),
                    neurons=chosen.rows(block.neurons),
                    output=chosen.rows(block.output),
                )
                for block in self.blocks
            ),
            prefix_mask=chosen.rows(self.prefix_mask),
            answer=chosen.rows(self.answer),
        )


class _Chosen:
    """Some of the queries of a batch."""

    def __init__(self, indices: Sequence[int], *, of: int) -> None:
        self._indices = torch.tensor(indices)
        self._n_queries = of

    def rows(self, tensor: Tensor) -> Tensor:
        """Of a tensor with a row a query."""
        return tensor.index_select(0, self._indices.to(tensor.device))

    def argument(self, value: Any) -> Any:
        """What a block is called with: a tensor has a row a query, or one for all of them; others are no one's."""
        if isinstance(value, tuple):
            return tuple(self.argument(item) for item in cast(tuple[Any, ...], value))
        if isinstance(value, Tensor) and value.dim() > 1 and len(value) == self._n_queries:
            return self.rows(value)
        return value


@torch.no_grad()
def run_last_token(model: LoadedModel, queries: Sequence[EncodedQuery], *, answer_tokens: int = 1) -> LastToken:
    """Runs the prefixes of `queries` together, then their last tokens together.

    Prefixes are padded on the right: under the causal mask no real token sees the padding, and the last token is told
    by its position and its mask where its own prefix ends.

    Args:
        model: the model to run.
        queries: at least one query; lengths may differ.
        answer_tokens: how many tokens of every answer count; no more than the shortest answer has.

    Returns:
        The state that rows climb from; on the model's device, in its dtype.

    Raises:
        ModelError: the model is a masked one, or a query is longer than its context or attention window.
    """
    if model.family.masked:
        raise ModelError(
            f"{model.name!r} is a masked language model and has no last token that would answer; "
            "this localizer takes causal models only",
            model=model.name,
        )
    lengths = torch.tensor([len(query.prompt_ids) - 1 for query in queries], device=model.device)
    width = int(lengths.max())
    if model.context_length is not None and width + answer_tokens > model.context_length:
        raise ModelError(
            f"{model.name!r} takes {model.context_length} tokens at once (its context, or how far its attention looks "
            f"back), but a query has {width + answer_tokens}",
            model=model.name,
        )
    prefix_mask = torch.arange(width, device=model.device)[None, :] < lengths[:, None]
    return _behind_prefix(model, queries, _run_prefix(model, queries, width), prefix_mask, answer_tokens=answer_tokens)


def _behind_prefix(
    model: LoadedModel, queries: Sequence[EncodedQuery], cache: Cache, prefix_mask: Tensor, *, answer_tokens: int
) -> LastToken:
    """Runs the last tokens, and the answer tokens behind them, of queries whose prefixes are in the cache."""
    width = prefix_mask.shape[1]
    prefix = _keys_and_values(cache) if width else []
    answer = torch.tensor([query.answer_ids[:answer_tokens] for query in queries], device=model.device)
    last = torch.tensor([[query.prompt_ids[-1]] for query in queries], device=model.device)
    calls = _record_positions(model, torch.cat([last, answer[:, :-1]], dim=1), prefix_mask, cache)
    if not width:  # every query is one token long: the cache holds nothing but the last tokens themselves
        prefix = [(keys[:, :, :0], values[:, :, :0]) for keys, values in _keys_and_values(cache)]
    return LastToken(
        model=model,
        queries=tuple(queries),
        blocks=tuple(
            BlockState(prefix_keys=k, prefix_values=v, arguments=arguments, input=x, neurons=neurons, output=output)
            for (k, v), (arguments, x, neurons, output) in zip(prefix, calls, strict=True)
        ),
        prefix_mask=prefix_mask,
        answer=answer,
    )


def _record_positions(
    model: LoadedModel, ids: Int[Tensor, "queries positions"], prefix_mask: Tensor, cache: Cache
) -> list[tuple[dict[str, Any], Tensor, Tensor, Tensor]]:
    """Runs the positions after their prefixes; what every block was called with, its input, neurons and output."""
    n = ids.shape[1]
    neurons: list[Tensor] = []
    calls: list[tuple[dict[str, Any], Tensor, Tensor]] = []

    def keep_call(forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        hidden, arguments = named_arguments(forward, args, kwargs)
        out = first_output(output)
        calls.append((arguments, hidden.to(out.device), out))

    def keep_neurons(args: tuple[Any, ...], _kwargs: dict[str, Any], _output: Any) -> None:
        neurons.append(args[0].view(*ids.shape, -1)[:, 0])  # some families flatten queries and positions

    with ExitStack() as stack:
        for block, projection in zip(model.blocks, model.output_projections, strict=True):
            stack.enter_context(recording_calls(block, partial(keep_call, block.forward)))
            stack.enter_context(recording_calls(projection, keep_neurons))
        model.model.base_model(
            input_ids=ids,
            attention_mask=torch.nn.functional.pad(prefix_mask.long(), (0, n), value=1),
            position_ids=prefix_mask.sum(1, keepdim=True) + torch.arange(n, device=ids.device),
            past_key_values=cache,
            use_cache=True,
        )
    return [(arguments, x, found, output) for (arguments, x, output), found in zip(calls, neurons, strict=True)]


def _run_prefix(model: LoadedModel, queries: Sequence[EncodedQuery], width: int) -> Cache:
    """Keys and values of all tokens but the last; an empty cache where every query is one token long.

    A prefix that several queries have, such as one query's for each of its paths, is run once.
    """
    cache = DynamicCache(config=model.model.config)
    if width:
        prefixes = list(dict.fromkeys(query.prompt_ids[:-1] for query in queries))
        ids = torch.zeros(len(prefixes), width, dtype=torch.long)
        for row, prefix in zip(ids, prefixes, strict=True):
            row[: len(prefix)] = torch.tensor(prefix)
        model.model.base_model(input_ids=ids.to(model.device), past_key_values=cache, use_cache=True)
        if len(prefixes) < len(queries):
            number = {prefix: index for index, prefix in enumerate(prefixes)}
            rows = [number[query.prompt_ids[:-1]] for query in queries]
            cache.batch_select_indices(torch.tensor(rows, device=model.device))
    return cache


def _keys_and_values(cache: Cache) -> list[tuple[Tensor, Tensor]]:
    """What the cache holds of every layer so far."""
    return [(layer.keys, layer.values) for layer in cast(list[Any], cache.layers)]
