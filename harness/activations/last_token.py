"""What one pass over prefix and last token leaves behind, so that nothing below an intervention is run twice.

In a causal language model a change at the last token changes nothing before it. The prefix of every query is run once
and keeps its keys and values; the last token is run once and keeps, block by block, what the block was called with,
what it returned and the neurons in between.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache

from harness.models.hooks import recording_calls
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockState:
    """The last token in one block.

    Attributes:
        prefix_keys: keys of the prefix, [queries, heads, tokens, head width]; what lies beyond a query's prefix is junk
            that `LastToken.prefix_mask` hides.
        prefix_values: values of the prefix, likewise.
        args: positional arguments of the block's call after the hidden state.
        kwargs: keyword arguments of that call.
        neurons: input of the output projection.
        output: what the block returned.
    """

    prefix_keys: Float[Tensor, "queries heads tokens width"]
    prefix_values: Float[Tensor, "queries heads tokens width"]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    neurons: Float[Tensor, "queries d_ff"]
    output: Float[Tensor, "queries d_model"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LastToken:
    """The unmodified run of a batch of queries, seen from their last token.

    Attributes:
        model: the model that ran.
        blocks: one state a block, lowest first.
        prefix_mask: which prefix positions belong to the query.
        answer: id of each query's first answer token.
    """

    model: LoadedModel
    blocks: tuple[BlockState, ...]
    prefix_mask: Bool[Tensor, "queries tokens"]
    answer: Int[Tensor, " queries"]

    @property
    def neurons(self) -> Float[Tensor, "layers queries d_ff"]:
        """Unmodified neuron activations at the last query token."""
        return torch.stack([block.neurons for block in self.blocks])


@torch.no_grad()
def run_last_token(model: LoadedModel, queries: Sequence[EncodedQuery]) -> LastToken:
    """Runs the prefixes of `queries` together, then their last tokens together.

    Prefixes are padded on the right: under the causal mask no real token sees the padding, and the last token is told
    by its position and its mask where its own prefix ends.

    Args:
        model: the model to run.
        queries: at least one query; lengths may differ.

    Returns:
        The state that rows climb from; on the model's device, in its dtype.
    """
    lengths = torch.tensor([len(query.prompt_ids) - 1 for query in queries], device=model.device)
    width = int(lengths.max())
    prefix_mask = torch.arange(width, device=model.device)[None, :] < lengths[:, None]
    cache = _run_prefix(model, queries, width)
    prefix = _keys_and_values(cache) if width else []
    calls: list[tuple[tuple[Any, ...], dict[str, Any], Tensor]] = []
    neurons: list[Tensor] = []
    with ExitStack() as stack:
        for block, projection in zip(model.blocks, model.output_projections, strict=True):
            stack.enter_context(
                recording_calls(block, lambda args, kwargs, out: calls.append((args[1:], kwargs, _first(out)[:, -1])))
            )
            stack.enter_context(recording_calls(projection, lambda args, _kwargs, _out: neurons.append(args[0][:, -1])))
        model.model.base_model(
            input_ids=torch.tensor([[query.prompt_ids[-1]] for query in queries], device=model.device),
            attention_mask=torch.nn.functional.pad(prefix_mask.long(), (0, 1), value=1),
            position_ids=lengths[:, None],
            past_key_values=cache,
            use_cache=True,
        )
    if not width:  # every query is one token long: the cache holds nothing but the last tokens themselves
        prefix = [(keys[:, :, :0], values[:, :, :0]) for keys, values in _keys_and_values(cache)]
    return LastToken(
        model=model,
        blocks=tuple(
            BlockState(prefix_keys=k, prefix_values=v, args=args, kwargs=kwargs, neurons=acts, output=output)
            for (k, v), (args, kwargs, output), acts in zip(prefix, calls, neurons, strict=True)
        ),
        prefix_mask=prefix_mask,
        answer=torch.tensor([query.answer_ids[0] for query in queries], device=model.device),
    )


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


def _first(output: Any) -> Tensor:
    """The hidden state of a block's output, which some families wrap in a tuple."""
    return output[0] if isinstance(output, tuple) else output
