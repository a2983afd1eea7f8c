"""A query and its answer as token ids.

Everything downstream works on ids: no text is glued together and tokenised again.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

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
        key: content hash of both id sequences: what identifies this query's row in the store.
    """

    prompt: str
    prompt_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hashes once: hundreds of thousands of queries are looked up by their keys, each time and again."""
        numbers = (len(self.prompt_ids), len(self.answer_ids), *self.prompt_ids, *self.answer_ids)
        packed = struct.pack(f"<{len(numbers)}q", *numbers)
        object.__setattr__(self, "key", hashlib.blake2b(packed, digest_size=16).hexdigest())


def encode_query(
    tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str, *, context_length: int | None
) -> EncodedQuery:
    """Tokenises one query; see `encode_queries`.

    Raises:
        QueryError: it cannot be.
    """
    return _the_one(encode_queries(tokenizer, [(prompt, answer)], context_length=context_length))


def encode_queries(
    tokenizer: PreTrainedTokenizerBase, asked: Sequence[tuple[str, str]], *, context_length: int | None
) -> list[EncodedQuery | QueryError]:
    """Tokenises queries, and together with each of them its answer after one space.

    The answer's ids are those that follow the query's when both are tokenised together: tokenised apart, SentencePiece
    would add a second space mark, and LLaMA tokenizers a second beginning-of-text token.

    Args:
        tokenizer: the model's tokenizer.
        asked: the text of each query, without a trailing space, and the object in its original case.
        context_length: most tokens that the model takes; None for no limit.

    Returns:
        each query, or what is wrong with it: it has no token, the two cannot be told apart, or they do not fit into
        the context.
    """
    prompts = _texts_ids(tokenizer, [prompt for prompt, _ in asked])
    joint = _texts_ids(tokenizer, [f"{prompt} {answer}" for prompt, answer in asked])
    return [
        _continued(prompt, prompt_ids, joint_ids, context_length)
        for (prompt, _), prompt_ids, joint_ids in zip(asked, prompts, joint, strict=True)
    ]


def _continued(
    prompt: str, prompt_ids: tuple[int, ...], joint_ids: tuple[int, ...], context_length: int | None
) -> EncodedQuery | QueryError:
    if not prompt_ids:
        return QueryError("the query has no token", prompt=prompt)
    if joint_ids[: len(prompt_ids)] != prompt_ids or len(joint_ids) == len(prompt_ids):
        return QueryError("the answer's tokens cannot be told from the query's", prompt=prompt)
    if context_length is not None and len(joint_ids) > context_length:
        return QueryError(f"query and answer are longer than the model's {context_length} tokens", prompt=prompt)
    return EncodedQuery(prompt=prompt, prompt_ids=prompt_ids, answer_ids=joint_ids[len(prompt_ids) :])


def encode_cloze(
    tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str, *, context_length: int | None
) -> EncodedQuery:
    """Tokenises one whole sentence; see `encode_clozes`.

    Raises:
        QueryError: it cannot be.
    """
    return _the_one(encode_clozes(tokenizer, [(prompt, answer)], context_length=context_length))


def encode_clozes(
    tokenizer: PreTrainedTokenizerBase, asked: Sequence[tuple[str, str]], *, context_length: int | None
) -> list[EncodedQuery | QueryError]:
    """Tokenises whole sentences with the mask token in the answer's place.

    The answer's id is the one that stands there when the sentence is tokenised with the answer in it.

    Args:
        tokenizer: the model's tokenizer.
        asked: each sentence, with [Y] in the answer's place, and the object in its original case.
        context_length: most tokens that the model takes; None for no limit.

    Returns:
        each query, or what is wrong with it: the tokenizer has no mask token, the sentence has not just one place for
        it, the answer is not just one token of the vocabulary, or the sentence does not fit into the context.
    """
    if tokenizer.mask_token is None:
        return [QueryError("the tokenizer has no mask token", prompt=prompt) for prompt, _ in asked]
    masked = _ids(tokenizer, [prompt.replace(ANSWER, str(tokenizer.mask_token)) for prompt, _ in asked])
    full = _ids(tokenizer, [prompt.replace(ANSWER, answer) for prompt, answer in asked])
    return [
        _filled(tokenizer, prompt, prompt_ids, full_ids, context_length)
        for (prompt, _), prompt_ids, full_ids in zip(asked, masked, full, strict=True)
    ]


def _filled(
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    prompt_ids: tuple[int, ...],
    full_ids: tuple[int, ...],
    context_length: int | None,
) -> EncodedQuery | QueryError:
    if prompt.count(ANSWER) != 1 or prompt_ids.count(int(tokenizer.mask_token_id)) != 1:  # type: ignore[arg-type]
        return QueryError("the sentence has not just one place for the mask token", prompt=prompt)
    if context_length is not None and len(prompt_ids) > context_length:
        return QueryError(f"the sentence is longer than the model's {context_length} tokens", prompt=prompt)
    place = mask_position(prompt_ids, tokenizer)
    around = prompt_ids[:place] + prompt_ids[place + 1 :]
    if len(full_ids) != len(prompt_ids) or full_ids[:place] + full_ids[place + 1 :] != around:
        return QueryError("the answer is more than one token", prompt=prompt)
    if full_ids[place] == tokenizer.unk_token_id:
        return QueryError("the answer is not in the vocabulary", prompt=prompt)
    return EncodedQuery(prompt=prompt, prompt_ids=prompt_ids, answer_ids=(full_ids[place],))


def _the_one(encoded: list[EncodedQuery | QueryError]) -> EncodedQuery:
    (found,) = encoded
    if isinstance(found, QueryError):
        raise found
    return found


def mask_position(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> int:
    """Where the mask token stands."""
    return ids.index(int(tokenizer.mask_token_id))  # type: ignore[arg-type]


def text_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Token ids with the special tokens that the tokenizer puts in front, without one that it puts behind."""
    return _texts_ids(tokenizer, [text])[0]


def _texts_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[tuple[int, ...]]:
    eos, written = tokenizer.eos_token_id, str(tokenizer.eos_token)
    return [
        ids[:-1] if len(ids) > 1 and ids[-1] == eos and not text.endswith(written) else ids
        for ids, text in zip(_ids(tokenizer, texts), texts, strict=True)
    ]


def _ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Ids of each text; many in one call are half the work of many calls."""
    if not texts:
        return []
    encoded = tokenizer(list(texts), return_attention_mask=False, return_token_type_ids=False)
    return [tuple(ids) for ids in encoded["input_ids"]]  # type: ignore[union-attr]
