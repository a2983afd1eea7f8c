"""Reference points of a query's words: the neurons at its last token once a word gave way to end-of-text."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers.cache_utils import DynamicCache

from harness.activations.last_token import LastToken
from harness.errors import ModelError
from harness.models.hooks import recording_calls
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery


def word_positions(model: LoadedModel, queries: Sequence[EncodedQuery]) -> list[tuple[int, ...]]:
    """Where each query has its words: every token but the tokenizer's special ones.

    A token that ends texts already is one of those, so replacing it is never asked for.

    Raises:
        ModelError: the tokenizer has no end-of-text token.
    """
    special = {_end_of_text(model), *model.tokenizer.all_special_ids}
    return [tuple(i for i, token in enumerate(query.prompt_ids) if token not in special) for query in queries]


@torch.no_grad()
def reference_points(
    state: LastToken, queries: Sequence[EncodedQuery], words: Sequence[Sequence[int]]
) -> list[Float[Tensor, "layers words d_ff"]]:
    """Neurons at the last token of every query, with one of its words replaced by the end-of-text token (Eq. 12).

    Nothing before the replaced word changes, so the run of the unmodified query lends its keys and values up to there,
    and the rest is an ordinary continuation from that cache, for all queries that have a word at that position. A query
    of T words costs T (T + 1) / 2 tokens that way, instead of T^2.

    Args:
        state: the unmodified run of `queries`.
        queries: the queries.
        words: positions of each query's words.

    Returns:
        One tensor a query, words in the order given; on the model's device, in its dtype.
    """
    model = state.model
    points = [state.blocks[0].neurons.new_empty(model.n_layers, len(places), model.d_ff) for places in words]
    for position in sorted({place for places in words for place in places}):
        having = [index for index, places in enumerate(words) if position in places]
        neurons = _with_replaced(state, [queries[index] for index in having], having, position)
        for row, index in enumerate(having):
            points[index][:, words[index].index(position)] = neurons[:, row]
    return points


def _with_replaced(
    state: LastToken, queries: Sequence[EncodedQuery], indices: list[int], position: int
) -> Float[Tensor, "layers queries d_ff"]:
    """Runs `queries`, which are number `indices` of `state`, from `position` on with another token there."""
    model, device = state.model, state.model.device
    lengths = torch.tensor([len(query.prompt_ids) for query in queries], device=device)
    width = int(lengths.max())
    ids = torch.full((len(queries), width - position), _end_of_text(model), dtype=torch.long)
    for row, query in zip(ids, queries, strict=True):
        row[1 : len(query.prompt_ids) - position] = torch.tensor(query.prompt_ids[position + 1 :])
    cache, chosen = DynamicCache(), torch.tensor(indices, device=device)
    for layer, block in enumerate(state.blocks):
        cache.update(block.prefix_keys[chosen, :, :position], block.prefix_values[chosen, :, :position], layer)
    every, last = torch.arange(len(queries), device=device), lengths - 1 - position
    neurons: list[Tensor] = []

    def keep(args: tuple[Any, ...], _kwargs: dict[str, Any], _output: Any) -> None:
        by_query = args[0].view(*ids.shape, -1)  # some families flatten queries and positions
        neurons.append(by_query[every, last].to(device))

    with ExitStack() as stack:
        for projection in model.output_projections:
            stack.enter_context(recording_calls(projection, keep))
        model.model.base_model(
            input_ids=ids.to(device),
            attention_mask=(torch.arange(width, device=device) < lengths[:, None]).long(),
            past_key_values=cache,
            use_cache=True,
        )
    return torch.stack(neurons)


def _end_of_text(model: LoadedModel) -> int:
    """Id of the token that takes a word's place."""
    token = model.tokenizer.eos_token_id
    if token is None:
        raise ModelError(
            f"{model.name!r} has a tokenizer without an end-of-text token, which takes the place of each word in SIG"
            " and AMIG. Name one as eos_token in its tokenizer_config.json, or take another localizer, such as ig",
            model=model.name,
        )
    return int(token)  # type: ignore[arg-type]
