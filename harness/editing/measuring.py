"""What a model answers to prompts and how likely it finds texts, each under an edit of its own or under none."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import Final, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from harness.activations.head import log_probability_and_gradient
from harness.editing.batches import batches, padded
from harness.editing.corrections import Correction, corrected
from harness.models.loaded import LoadedModel

# A batch is bounded by what the blocks keep of its tokens, and one whose logits are all wanted at once by those.
_TOKENS: Final = 8192
_TOKENS_CPU: Final = 1024
_LOGITS: Final = 1 << 26


class Question(NamedTuple):
    """A prompt that the model continues.

    Attributes:
        ids: token ids.
        watched: the token whose probability is wanted; None for the model's top token, whichever it is.
        owner: number of the correction that it is asked under; questions of one owner stand side by side.
    """

    ids: tuple[int, ...]
    watched: int | None
    owner: int = 0


class Answer(NamedTuple):
    """What follows a prompt.

    Attributes:
        top: the most probable next token.
        probability: of the watched token.
    """

    top: int
    probability: float


class Text(NamedTuple):
    """A passage whose tokens the model predicts one by one, the first of them given.

    Attributes:
        ids: at least two token ids.
        owner: as of a question.
    """

    ids: tuple[int, ...]
    owner: int = 0


@torch.no_grad()
def ask(
    model: LoadedModel, questions: Sequence[Question], corrections: Sequence[Correction] | None = None
) -> list[Answer]:
    """Answers questions through whole forward passes of the model.

    Args:
        model: the model, possibly edited by somebody else.
        questions: any number, of any lengths.
        corrections: the owners' corrections; None where the model runs as it is.

    Returns:
        One answer a question, in order. Probabilities are never taken below float32.
    """
    answers: list[Answer] = [Answer(-1, 0.0)] * len(questions)
    for batch in batches([len(question.ids) for question in questions], _tokens_at_once(model)):
        part = [questions[i] for i in batch]
        last = torch.tensor([len(question.ids) - 1 for question in part])
        kept, place = last.unique(return_inverse=True)
        logits = _run(model, part, corrections, kept.to(model.device))[torch.arange(len(part)), place]
        log_p = _log_softmax(logits)
        top = log_p.argmax(-1).cpu()
        watched = torch.tensor([t if q.watched is None else q.watched for q, t in zip(part, top.tolist(), strict=True)])
        probability = log_p.gather(1, watched[:, None].to(log_p.device)).squeeze(1).exp()
        for index, answer in zip(batch, zip(top.tolist(), probability.tolist(), strict=True), strict=True):
            answers[index] = Answer(*answer)
    return answers


@torch.no_grad()
def negative_log_likelihoods(
    model: LoadedModel, texts: Sequence[Text], corrections: Sequence[Correction] | None = None
) -> list[float]:
    """-log p of all tokens of a text but the first, each given those before it, in nats: see `ask`."""
    found = [0.0] * len(texts)
    at_once = _tokens_at_once(model)
    if corrections is None:
        at_once = min(at_once, max(1, _LOGITS // model.head.out_features))
    for batch in batches([len(text.ids) for text in texts], at_once):
        part = [texts[i] for i in batch]
        of_part = _log_p(model, part) if corrections is None else _corrected_log_p(model, part, corrections)
        for index, log_p in zip(batch, of_part, strict=True):
            found[index] = -float(log_p.double().sum())
    return found


def _log_p(model: LoadedModel, texts: Sequence[Text]) -> list[Float[Tensor, " predicted"]]:
    """log p of the predicted tokens of each text, as whatever the model is by now says itself."""
    logits = _run(model, texts, None, 0)
    found: list[Tensor] = []
    for text, row in zip(texts, logits, strict=True):
        target = torch.tensor(text.ids[1:], device=row.device)
        found.append(_log_softmax(row[: len(target)]).gather(1, target[:, None]).squeeze(1))
    return found


def _corrected_log_p(
    model: LoadedModel, texts: Sequence[Text], corrections: Sequence[Correction]
) -> list[Float[Tensor, " predicted"]]:
    """The same under corrections, which leave the head alone: without logits of all tokens in memory."""
    ids = padded([text.ids for text in texts]).to(model.device)
    with _within(model, texts, corrections):
        hidden = model.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    predicted = [len(text.ids) - 1 for text in texts]
    read = torch.cat([row[:n] for row, n in zip(hidden, predicted, strict=True)]).to(model.head.weight.device)
    target = torch.tensor([token for text in texts for token in text.ids[1:]], device=read.device)
    log_p, _ = log_probability_and_gradient(model.head, read, target, softcap=model.softcap, gradient=False)
    return list(log_p.split(predicted))


def _tokens_at_once(model: LoadedModel) -> int:
    """Most tokens of a batch; on a CPU what is kept of them should fit into its caches, which is twice as fast."""
    return _TOKENS_CPU if model.device.type == "cpu" else _TOKENS


def _run(
    model: LoadedModel,
    items: Sequence[Question | Text],
    corrections: Sequence[Correction] | None,
    kept: Tensor | int,
) -> Float[Tensor, "rows positions vocab"]:
    """Logits of a padded batch; `kept` are the positions that are wanted, or 0 for all."""
    ids = padded([item.ids for item in items]).to(model.device)
    with _within(model, items, corrections):
        return model.model(input_ids=ids, use_cache=False, logits_to_keep=kept).logits


def _within(
    model: LoadedModel, items: Sequence[Question | Text], corrections: Sequence[Correction] | None
) -> AbstractContextManager[object]:
    """Within, every item runs under its owner's correction."""
    if corrections is None:
        return nullcontext()
    return corrected(model, [(rows, corrections[owner]) for owner, rows in _runs(items)])


def _runs(items: Sequence[Question | Text]) -> list[tuple[int, slice]]:
    """Stretches of items with one owner."""
    found: list[tuple[int, slice]] = []
    start = 0
    for owner, group in groupby(items, key=lambda item: item.owner):
        stop = start + len(list(group))
        found.append((owner, slice(start, stop)))
        start = stop
    return found


def _log_softmax(logits: Float[Tensor, "rows vocab"]) -> Float[Tensor, "rows vocab"]:
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)
