"""A query and its answer as token ids.

Everything downstream works on ids: no text is glued together and tokenised again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from harness.data.facts import ANSWER
from harness.errors import QueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedQuery:
    """A query's token ids and its answer's.

    Attributes:
        prompt: the query's text.
        prompt_ids: token ids of the query, special tokens of the tokenizer included; at least one.
        answer_ids: token ids that follow when query and answer are tokenised together; the first is what counts,
            unless the joint probability of all is asked for.
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


def encode_query(
    tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str, *, context_length: int | None
) -> EncodedQuery:
    """Tokenises a query, and together with it the answer after one space.

    The answer's ids are those that follow the query's when both are tokenised together: tokenised apart, SentencePiece
    would add a second space mark, and LLaMA tokenizers a second beginning-of-text token.

    Args:
        tokenizer: the model's tokenizer.
        prompt: the query's text, without a trailing space.
        answer: the object in its original case.
        context_length: most tokens that the model takes; None for no limit.

    Raises:
        QueryError: the query has no token, the two cannot be told apart, or they do not fit into the context.
    """
    prompt_ids = text_ids(tokenizer, prompt)
    joint_ids = text_ids(tokenizer, f"{prompt} {answer}")
    if not prompt_ids:
        raise QueryError("the query has no token", prompt=prompt)
    if joint_ids[: len(prompt_ids)] != prompt_ids or len(joint_ids) == len(prompt_ids):
        raise QueryError("the answer's tokens cannot be told from the query's", prompt=prompt)
    if context_length is not None and len(joint_ids) > context_length:
        raise QueryError(f"query and answer are longer than the model's {context_length} tokens", prompt=prompt)
    return EncodedQuery(prompt=prompt, prompt_ids=prompt_ids, answer_ids=joint_ids[len(prompt_ids) :])


def encode_cloze(
    tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str, *, context_length: int | None
) -> EncodedQuery:
    """Tokenises a whole sentence with the mask token in the answer's place.

    The answer's id is the one that stands there when the sentence is tokenised with the answer in it.

    Args:
        tokenizer: the model's tokenizer.
        prompt: the sentence, with [Y] in the answer's place.
        answer: the object in its original case.
        context_length: most tokens that the model takes; None for no limit.

    Raises:
        QueryError: the tokenizer has no mask token, the sentence has not just one place for it, the answer is not just
            one token of the vocabulary, or the sentence does not fit into the context.
    """
    if tokenizer.mask_token is None:
        raise QueryError("the tokenizer has no mask token", prompt=prompt)
    prompt_ids, full_ids = (
        tuple(int(i) for i in tokenizer(prompt.replace(ANSWER, text))["input_ids"])  # type: ignore[union-attr]
        for text in (str(tokenizer.mask_token), answer)
    )
    if prompt.count(ANSWER) != 1 or prompt_ids.count(int(tokenizer.mask_token_id)) != 1:  # type: ignore[arg-type]
        raise QueryError("the sentence has not just one place for the mask token", prompt=prompt)
    if context_length is not None and len(prompt_ids) > context_length:
        raise QueryError(f"the sentence is longer than the model's {context_length} tokens", prompt=prompt)
    place = mask_position(prompt_ids, tokenizer)
    around = prompt_ids[:place] + prompt_ids[place + 1 :]
    if len(full_ids) != len(prompt_ids) or full_ids[:place] + full_ids[place + 1 :] != around:
        raise QueryError("the answer is more than one token", prompt=prompt)
    if full_ids[place] == tokenizer.unk_token_id:
        raise QueryError("the answer is not in the vocabulary", prompt=prompt)
    return EncodedQuery(prompt=prompt, prompt_ids=prompt_ids, answer_ids=(full_ids[place],))


def mask_position(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> int:
    """Where the mask token stands."""
    return ids.index(int(tokenizer.mask_token_id))  # type: ignore[arg-type]


def text_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Token ids with the special tokens that the tokenizer puts in front, without one that it puts behind."""
    ids = [int(i) for i in tokenizer(text)["input_ids"]]  # type: ignore[union-attr]
    eos = tokenizer.eos_token_id
    if len(ids) > 1 and ids[-1] == eos and not text.endswith(str(tokenizer.eos_token)):
        ids.pop()
    return tuple(ids)
