"""Reference points of a query's words: the neurons at its last token once a word gave way to end-of-text."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from transformers.cache_utils import DynamicCache

from harness.activations.last_token import LastToken
from harness.activations.masked_token import run_masked_token
from harness.activations.unmodified import Unmodified
from harness.activations.whole_queries import TOKENS_AT_ONCE, TOKENS_ENOUGH
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
    state: Unmodified, queries: Sequence[EncodedQuery], words: Sequence[Sequence[int]]
) -> list[Float[Tensor, "layers words d_ff"]]:
    """Neurons at the last token of every query, with one of its words replaced by the end-of-text token (Eq. 12).

    Nothing before the replaced word changes, so the run of the unmodified query lends its keys and values up to there,
    and the rest is an ordinary continuation from that cache, for many words of many queries at once. A query of T words
    costs T (T + 1) / 2 tokens that way, and some padding, instead of T^2. In a masked model every token sees the
    replaced one, so there whole sentences are run, and the neurons are those at the mask token.

    Args:
        state: the unmodified run of `queries`.
        queries: the queries.
        words: positions of each query's words.

    Returns:
        One tensor a query, words in the order given; on the model's device, in its dtype.
    """
    if not isinstance(state, LastToken):
        return [_of_sentence(state.model, query, places) for query, places in zip(queries, words, strict=True)]
    model, counts = state.model, [len(places) for places in words]
    points = state.blocks[0].neurons.new_empty(model.n_layers, sum(counts), model.d_ff)
    pairs = [
        _Replaced(query=index, position=place, behind=len(queries[index].prompt_ids) - place)
        for index, places in enumerate(words)
        for place in places
    ]
    for together in _passes(pairs, model):
        points[:, together] = _with_replaced(state, queries, [pairs[number] for number in together])
    return list(points.split(counts, dim=1))


def _of_sentence(model: LoadedModel, query: EncodedQuery, words: Sequence[int]) -> Float[Tensor, "layers words d_ff"]:
    """A masked model's reference points of one sentence, all its words at once."""
    end = _end_of_text(model)
    ids = query.prompt_ids
    sentences = [replace(query, prompt_ids=(*ids[:place], end, *ids[place + 1 :])) for place in words]
    return run_masked_token(model, sentences).neurons


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replaced:
    """One word of one query that gives way.

    Attributes:
        query: index of the query.
        position: where the word stands.
        behind: tokens that have to be run: the word's and all behind it.
    """

    query: int
    position: int
    behind: int


def _passes(pairs: Sequence[_Replaced], model: LoadedModel) -> Iterator[list[int]]:
    """Numbers of pairs run together: with equally many tokens to run; with fewer, too, until the device is busy.

    In a pass the tokens to be run stand behind the longest prefix, and all of it has to fit into the context.
    """
    enough = TOKENS_ENOUGH if model.device.type == "cpu" else TOKENS_AT_ONCE
    limit = model.context_length
    together: list[int] = []
    width = longest = 0
    for number in sorted(range(len(pairs)), key=lambda number: (-pairs[number].behind, pairs[number].position)):
        pair = pairs[number]
        alike = pair.behind == width or len(together) * width < enough
        fits = limit is None or max(longest, pair.position) + width <= limit
        if together and not (alike and fits):
            yield together
            together = []
        if not together:
            width, longest = pair.behind, 0
        together.append(number)
        longest = max(longest, pair.position)
    if together:
        yield together


def _with_replaced(
    state: LastToken, queries: Sequence[EncodedQuery], pairs: Sequence[_Replaced]
) -> Float[Tensor, "layers pairs d_ff"]:
    """Runs every pair's query from the replaced word on, behind what the unmodified query had before it."""
    model, device = state.model, state.model.device
    owner = torch.tensor([pair.query for pair in pairs], device=device)
    position = torch.tensor([pair.position for pair in pairs], device=device)
    behind = torch.tensor([pair.behind for pair in pairs], device=device)
    longest, width = max(pair.position for pair in pairs), max(pair.behind for pair in pairs)
    end = _end_of_text(model)
    ids = torch.tensor(
        [(end, *queries[pair.query].prompt_ids[pair.position + 1 :], *[end] * (width - pair.behind)) for pair in pairs]
    )
    cache = DynamicCache()
    for layer, block in enumerate(state.blocks):
        chosen = owner.to(block.prefix_keys.device)
        cache.update(block.prefix_keys[chosen, :, :longest], block.prefix_values[chosen, :, :longest], layer)
    before = torch.arange(longest, device=device) < position[:, None]
    own = torch.arange(width, device=device)
    every, last = torch.arange(len(pairs), device=device), behind - 1
    neurons: list[Tensor] = []

    def at_last(tokens: Tensor) -> Tensor:
        by_pair = tokens.view(len(pairs), width, -1)  # some families flatten queries and positions
        return by_pair[every.to(tokens.device), last.to(tokens.device)]

    with ExitStack() as stack:
        for projection in model.output_projections:
            stack.enter_context(
                recording_calls(projection, lambda args, _kwargs, _out: neurons.append(at_last(args[0])))
            )
        model.model.base_model(
            input_ids=ids.to(device),
            attention_mask=torch.cat([before, own < behind[:, None]], dim=1).long(),
            position_ids=position[:, None] + own.minimum(last[:, None]),
            past_key_values=cache,
            use_cache=True,
        )
    return torch.stack([found.to(device) for found in neurons])


def _end_of_text(model: LoadedModel) -> int:
    """Id of the token that takes a word's place."""
    token = model.tokenizer.eos_token_id
    if token is None and model.family.masked:
        token = model.tokenizer.sep_token_id  # BERT's; a second mask token would leave open what is asked for
    if token is None:
        raise ModelError(
            f"{model.name!r} has a tokenizer without an end-of-text token, which takes the place of each word in SIG"
            " and AMIG. Name one as eos_token in its tokenizer_config.json, or take another localizer, such as ig",
            model=model.name,
        )
    return int(token)  # type: ignore[arg-type]
