"""Whether a family's row describes a model: what the engine makes of it against what the model itself says.

A wrong row need not crash. A norm that is overlooked between FFN and residual stream leaves the unmodified run as it is
and makes every score wrong; so the rows that are compared have other neurons.
"""

from contextlib import ExitStack
from functools import partial
from weakref import WeakSet

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

_verified: WeakSet[LoadedModel] = WeakSet()


@torch.no_grad()
def verify_row(model: LoadedModel) -> None:
    """Reduces the neurons of every layer in turn, by the engine and by hooks in a plain pass, and compares the logits.

    A model is verified once.

    Raises:
        ModelError: the row does not describe this model.
    """
    if model in _verified:
        return
    queries = _probes(model)
    try:
        driven = _driven(model, queries)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
        raise ModelError(
            f"{_saying(model)}: its blocks cannot be driven ({type(error).__name__}: {error})", model=model.name
        ) from error
    for query, found in zip(queries, driven, strict=True):
        expected = _plain(model, query)
        bound = _TOLERANCE.get(model.dtype, _TOLERANCE_BELOW_FLOAT32) * float(expected.abs().max())
        differences = (found - expected).abs().amax(dim=1)
        if not bool(differences[0] <= bound):
            raise ModelError(
                f"{_saying(model)}: its logits differ from the model's own by {float(differences[0]):.3g} before "
                "anything is replaced. Look at blocks, before_head and head, and at what blocks get per key "
                "(key_biases)",
                model=model.name,
            )
        if not bool((differences <= bound).all()):
            layer = int(differences[1:].argmax()) // len(_FRACTIONS)
            raise ModelError(
                f"{_saying(model)}: with the neurons of layer {layer} reduced, its logits differ from the model's own "
                f"by {float(differences.max()):.3g}. Look at output_projection; where a norm stands between the "
                "FFN's output and the residual stream, ffn_added_as_is is False",
                model=model.name,
            )
    _verified.add(model)


def _saying(model: LoadedModel) -> str:
    return f"the row of {model.family.model_type!r} does not describe {model.name!r}"


def _probes(model: LoadedModel) -> list[EncodedQuery]:
    """Queries of tokens spread over the vocabulary."""
    vocabulary = model.head.out_features
    ids = [(1 + 7919 * k) % vocabulary for k in range(max(_PROBE_LENGTHS))]
    if model.family.masked:
        mask = int(model.tokenizer.mask_token_id)  # type: ignore[arg-type]
        ids = [mask if k == 1 else (token if token != mask else 0) for k, token in enumerate(ids)]
    return [EncodedQuery(prompt="", prompt_ids=tuple(ids[:length]), answer_ids=(0,)) for length in _PROBE_LENGTHS]


def _driven(model: LoadedModel, queries: list[EncodedQuery]) -> Tensor:
    """Logits of the engine's rows, [queries, 1 + 2 layers, vocab]: unmodified, then each layer's neurons reduced."""
    state = run_unmodified(model, queries)
    rows = climb_rows(state, [torch.stack([f * block.neurons for f in _FRACTIONS], dim=1) for block in state.blocks])
    unmodified = state.blocks[-1].output.to(rows.device)
    return model.logits(model.final_norm(torch.cat([unmodified, rows], dim=1)))


def _plain(model: LoadedModel, query: EncodedQuery) -> Tensor:
    """The same logits from one pass of the model itself over the whole query, [1 + 2 layers, vocab]."""
    n_rows, n_tokens = 1 + len(_FRACTIONS) * model.n_layers, len(query.prompt_ids)
    masked = model.family.masked
    place = mask_position(query.prompt_ids, model.tokenizer) if masked else n_tokens - 1

    def reducing(layer: int, neurons: Tensor) -> Tensor:
        changed = neurons.reshape(n_rows, n_tokens, -1).clone()
        for row, fraction in enumerate(_FRACTIONS, start=1 + len(_FRACTIONS) * layer):
            changed[row, place] *= fraction
        return changed.view(neurons.shape)

    with ExitStack() as stack:
        for layer, projection in enumerate(model.output_projections):
            stack.enter_context(replacing_input(projection, partial(reducing, layer)))
        ids = torch.tensor([query.prompt_ids], device=model.device).expand(n_rows, -1)
        output = model.model(input_ids=ids) if masked else model.model(input_ids=ids, use_cache=False)
        return output.logits[:, place].to(model.head.weight.device)
