"""A query and its answer as token ids.

Everything downstream works on ids: no text is glued together and tokenised again.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from harness.errors import QueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedQuery:
    """A query's token ids and its answer's.

    Attributes:
        prompt: the query's text.
        prompt_ids: token ids of the query, special tokens of the tokenizer included; at least one.
        answer_ids: token ids that follow when query and answer are tokenised together; the first is what counts.
    """

    prompt: str
    prompt_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]

    @property
    def key(self) -> str:
        """Content hash of both id sequences: what identifies this query's row in the store."""
        lengths = np.array([len(self.prompt_ids), len(self.answer_ids)], dtype="<i8")
        ids = np.array(self.prompt_ids + self.answer_ids, dtype="<i8")
        return hashlib.blake2b(lengths.tobytes() + ids.tobytes(), digest_size=16).hexdigest()


def encode_query(tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str, *, context_length: int) -> EncodedQuery:
    """Tokenises a query, and together with it the answer after one space.

    The answer's ids are those that follow the query's when both are tokenised together: tokenised apart, SentencePiece
    would add a second space mark, and LLaMA tokenizers a second beginning-of-text token.

    Args:
        tokenizer: the model's tokenizer.
        prompt: the query's text, without a trailing space.
        answer: the object in its original case.
        context_length: most tokens that the model takes.

    Raises:
        QueryError: the query has no token, the two cannot be told apart, or they do not fit into the context.
    """
    prompt_ids = text_ids(tokenizer, prompt)
    joint_ids = text_ids(tokenizer, f"{prompt} {answer}")
    if not prompt_ids:
        raise QueryError("the query has no token", prompt=prompt)
    if joint_ids[: len(prompt_ids)] != prompt_ids or len(joint_ids) == len(prompt_ids):
        raise QueryError("the answer's tokens cannot be told from the query's", prompt=prompt)
    if len(joint_ids) > context_length:
        raise QueryError(f"query and answer are longer than the model's {context_length} tokens", prompt=prompt)
    return EncodedQuery(prompt=prompt, prompt_ids=prompt_ids, answer_ids=joint_ids[len(prompt_ids) :])


def text_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Token ids with the special tokens that the tokenizer puts in front, without one that it puts behind."""
    ids = [int(i) for i in tokenizer(text)["input_ids"]]  # type: ignore[union-attr]
    eos = tokenizer.eos_token_id
    if len(ids) > 1 and ids[-1] == eos and not text.endswith(str(tokenizer.eos_token)):
        ids.pop()
    return tuple(ids)
