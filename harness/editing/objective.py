"""What editors that optimise work towards, and where in a prompt its subject ends."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from harness.editing.batches import padded
from harness.editing.request import ERASE, EditRequest
from harness.errors import ConfigError
from harness.models.loaded import LoadedModel
from harness.models.queries import text_ids


def edit_loss(model: LoadedModel, prompts: Sequence[tuple[int, ...]], request: EditRequest) -> Float[Tensor, ""]:
    """What an edit is to bring down, in nats, averaged over prompts; differentiable.

    To update it is -log p of a token of the new object, given those before it, averaged over its tokens. To erase,
    where no paper says what the model shall answer instead, it is -log(1 - p) of the object's first token: nothing is
    put in its place, and an answer that has gone pulls no further.

    Args:
        model: with whatever hooks and gradients the editor has put there.
        prompts: token ids of ways to ask.
        request: the edit.
    """
    answer = request.object_ids[:1] if request.kind == ERASE else request.new_object_ids
    ids = padded([(*prompt, *answer[:-1]) for prompt in prompts]).to(model.device)
    logits = model.model(input_ids=ids, use_cache=False).logits
    log_p = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)
    rows = torch.arange(len(prompts), device=log_p.device)[:, None]
    ends = torch.tensor([len(prompt) - 1 for prompt in prompts], device=log_p.device)
    positions = ends[:, None] + torch.arange(len(answer), device=log_p.device)
    chosen = log_p[rows, positions, torch.tensor(answer, device=log_p.device)].mean(1)
    if request.kind == ERASE:
        tiny = torch.finfo(chosen.dtype).tiny
        return -(-torch.expm1(chosen)).clamp_min(tiny).log().mean()  # 1 - p without cancellation
    return -chosen.mean()


def subject_end(tokenizer: PreTrainedTokenizerBase, opening: str, request: EditRequest) -> tuple[tuple[int, ...], int]:
    """Token ids of the query behind an opening, and the position of the last token of its subject.

    Args:
        tokenizer: the model's tokenizer.
        opening: text in front of the query, with the space that parts them; may be empty.
        request: the edit.

    Raises:
        ConfigError: the tokenizer does not say which characters a token stands for, or the prompt lacks the subject.
    """
    text = opening + request.prompt
    start = text.rfind(request.subject)
    if start < 0:
        raise ConfigError(
            f"the subject {request.subject!r} does not occur in {request.prompt!r}",
            setting="subject",
            value=request.subject,
        )
    if not tokenizer.is_fast:
        raise ConfigError(
            f"{type(tokenizer).__name__} does not say which characters a token stands for; a fast tokenizer is needed",
            setting="tokenizer",
            value=type(tokenizer).__name__,
        )
    ids = text_ids(tokenizer, text)
    spans: Any = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    end = start + len(request.subject)
    inside = [i for i, (first, last) in enumerate(spans[: len(ids)]) if first < end and last > start]
    if not inside:
        raise ConfigError(f"no token of {text!r} belongs to the subject", setting="subject", value=request.subject)
    return ids, inside[-1]
