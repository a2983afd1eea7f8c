"""Perplexity of the passages that a fact's edits are measured on.

    PPL = exp(total -log p of the predicted tokens / their number)

over the fact's passages together: the first token of a passage is given, not predicted. It is not the mean of the
passages' perplexities.
"""

import math
from collections.abc import Sequence
from typing import Final

from transformers import PreTrainedTokenizerBase

from harness.errors import DataError
from harness.models.queries import text_ids

LEAST_TOKENS: Final = 32
MOST_TOKENS: Final = 512


def encode_passages(
    tokenizer: PreTrainedTokenizerBase, passages: Sequence[str], *, context_length: int | None
) -> tuple[tuple[int, ...], ...]:
    """Token ids of the passages that have enough of them, cut at what the model takes and at most `MOST_TOKENS`.

    Args:
        tokenizer: the model's tokenizer; the special tokens that it puts in front stay.
        passages: texts.
        context_length: most tokens that the model takes; None for no limit.

    Raises:
        DataError: none has `LEAST_TOKENS` tokens.
    """
    most = MOST_TOKENS if context_length is None else min(MOST_TOKENS, context_length)
    encoded = tuple(ids[:most] for passage in passages if len(ids := text_ids(tokenizer, passage)) >= LEAST_TOKENS)
    if not encoded:
        raise DataError(
            f"none of the {len(passages)} passages has {LEAST_TOKENS} tokens, so perplexity cannot be measured on them"
        )
    return encoded


def perplexity(negative_log_likelihoods: Sequence[float], predicted: Sequence[int]) -> float | None:
    """PPL of passages together; None where it is no finite number, as after an edit that broke the model."""
    mean = (
        math.fsum(negative_log_likelihoods) / sum(predicted)
        if all(map(math.isfinite, negative_log_likelihoods))
        else math.inf
    )
    try:
        return math.exp(mean) if math.isfinite(mean) else None
    except OverflowError:
        return None
