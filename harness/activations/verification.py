"""Whether a family's row describes a model: what the engine makes of it against what the model itself says.

A wrong row need not crash. A norm that is overlooked between FFN and residual stream leaves the unmodified run as it is
and makes every score wrong; so the rows that are compared have other neurons.
"""

from contextlib import ExitStack
from functools import partial
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from harness.activations.unmodified import climb_rows, run_unmodified
from harness.errors import ModelError
from harness.models.hooks import replacing_input
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery, mask_position

_PROBE_LENGTHS = (6, 3)  # unequal, so that padding is probed too
_FRACTIONS = (0.5, 0.0)  # of their values, for the neurons of one layer at a time; two, so that rows stand beside rows
_TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-3}
_TOLERANCE_BELOW_FLOAT32 = 0.1
_SILENT = 1e-3  # logits below this are rounding: a model that says nothing at all to the probes differs by it alone

_verified: WeakKeyDictionary[LoadedModel, set[int]] = WeakKeyDictionary()


@torch.no_grad()
def verify_row(model: LoadedModel, *, answer_tokens: int = 1) -> None:
    """Reduces the neurons of every layer in turn, by the engine and by hooks in a plain pass, and compares the logits.

    A model is verified once.

    Args:
        model: the model.
        answer_tokens: with how many answer tokens that count.

    Raises:
        ModelError: the row does not describe this model.
    """
    if answer_tokens in _verified.setdefault(model, set()):
        return
    queries = _probes(model, answer_tokens)
    try:
        driven = _driven(model, queries)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
        raise ModelError(
            f"{_saying(model)}: its blocks cannot be driven{_behind(answer_tokens)} ({type(error).__name__}: {error})",
            model=model.name,
        ) from error
    for query, found in zip(queries, driven, strict=True):
        expected = _plain(model, query, answer_tokens)
        largest = max(float(expected.abs().max()), _SILENT)
        bound = _TOLERANCE.get(model.dtype, _TOLERANCE_BELOW_FLOAT32) * largest
        differences = (found - expected).abs().amax(dim=1).view(-1, answer_tokens).amax(dim=1)  # of every row
        if not bool(differences[0] <= bound):
            raise ModelError(
                f"{_saying(model)}: its logits differ from the model's own by {float(differences[0]):.3g}"
                f"{_behind(answer_tokens)} before anything is replaced. Look at blocks, before_head and head, at "
                "what blocks get per key (key_biases), and at attention_interface",
                model=model.name,
            )
        if not bool((differences <= bound).all()):
            layer = int(differences[1:].argmax()) // len(_FRACTIONS)
            raise ModelError(
                f"{_saying(model)}: with the neurons of layer {layer} reduced, its logits differ from the model's own "
                f"by {float(differences.max()):.3g}{_behind(answer_tokens)}. Look at output_projection; where a norm "
                "stands between the FFN's output and the residual stream, ffn_added_as_is is False",
                model=model.name,
            )
    _verified[model].add(answer_tokens)


def _saying(model: LoadedModel) -> str:
    return f"the row of {model.family.model_type!r} does not describe {model.name!r}"


def _behind(answer_tokens: int) -> str:
    return "" if answer_tokens == 1 else f" with {answer_tokens} answer tokens"


def _probes(model: LoadedModel, answer_tokens: int) -> list[EncodedQuery]:
    """Queries of tokens spread over the vocabulary."""
    vocabulary = model.head.out_features
    ids = [(1 + 7919 * k) % vocabulary for k in range(max(_PROBE_LENGTHS))]
    if model.family.masked:
        mask = int(model.tokenizer.mask_token_id)  # type: ignore[arg-type]
        ids = [mask if k == 1 else (token if token != mask else 0) for k, token in enumerate(ids)]
    answer = tuple(range(answer_tokens))
    return [EncodedQuery(prompt="", prompt_ids=tuple(ids[:length]), answer_ids=answer) for length in _PROBE_LENGTHS]


def _driven(model: LoadedModel, queries: list[EncodedQuery]) -> Tensor:
    """Logits of the engine's rows: unmodified, then each layer's neurons reduced.

    Returns:
        [queries, (1 + 2 layers) * answer tokens, vocab].
    """
    state = run_unmodified(model, queries, answer_tokens=len(queries[0].answer_ids))
    rows = climb_rows(state, [torch.stack([f * block.neurons for f in _FRACTIONS], dim=1) for block in state.blocks])
    unmodified = state.blocks[-1].output.to(rows.device)
    return model.logits(model.final_norm(torch.cat([unmodified, rows], dim=1)))


def _plain(model: LoadedModel, query: EncodedQuery, answer_tokens: int) -> Tensor:
    """The same logits of one query, from one pass of the model itself over whole sequences."""
    sequence = query.prompt_ids + query.answer_ids[:-1]
    n_rows, masked = 1 + len(_FRACTIONS) * model.n_layers, model.family.masked
    place = mask_position(query.prompt_ids, model.tokenizer) if masked else len(query.prompt_ids) - 1

    def reducing(layer: int, neurons: Tensor) -> Tensor:
        changed = neurons.reshape(n_rows, len(sequence), -1).clone()
        for row, fraction in enumerate(_FRACTIONS, start=1 + len(_FRACTIONS) * layer):
            changed[row, place] *= fraction
        return changed.view(neurons.shape)

    with ExitStack() as stack:
        for layer, projection in enumerate(model.output_projections):
            stack.enter_context(replacing_input(projection, partial(reducing, layer)))
        ids = torch.tensor([sequence], device=model.device).expand(n_rows, -1)
        output = model.model(input_ids=ids) if masked else model.model(input_ids=ids, use_cache=False)
        logits = output.logits[:, place : place + answer_tokens].flatten(0, 1)
        return logits.to(model.head.weight.device)
