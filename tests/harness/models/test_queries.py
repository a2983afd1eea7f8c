import hashlib
from pathlib import Path

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from harness.errors import QueryError
from harness.models.queries import (
    EncodedQuery,
    encode_cloze,
    encode_clozes,
    encode_queries,
    encode_query,
    mask_position,
)
from tests.random_models import cloze_tokenizer, word_tokenizer
from tests.shared_data import needs_shared

SHARED_TOKENIZER = "data/gpt2-tokenizer"


def sentencepiece_like() -> PreTrainedTokenizerFast:
    """As LLaMA 2's: a beginning-of-text token, and a space mark put before every text that is tokenised."""
    pieces = ["<s>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz"]
    words = ["▁the", "▁of", "▁is", "▁capital", "▁france", "▁paris"]
    letters = {piece: index for index, piece in enumerate(pieces + _prefixes(words))}
    merges = [(word[:end], word[end]) for word in words for end in range(1, len(word))]
    tokenizer = Tokenizer(models.BPE(letters, list(dict.fromkeys(merges)), unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Replace("▁", " ")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def _prefixes(words: list[str]) -> list[str]:
    return list(dict.fromkeys(word[:end] for word in words for end in range(2, len(word) + 1)))


def test_answer_ids_follow_the_querys_when_both_are_tokenised_together() -> None:
    tokenizer = sentencepiece_like()
    found = encode_query(tokenizer, "the capital of france is", "paris", context_length=64)
    vocabulary = tokenizer.get_vocab()
    assert found.prompt_ids[0] == vocabulary["<s>"]
    assert found.answer_ids == (vocabulary["▁paris"],)
    apart = tokenizer(" paris")["input_ids"]
    assert apart[-1:] != apart  # tokenised apart it brings a <s> and a second space mark along


def test_answers_of_several_tokens_are_kept_whole() -> None:
    found = encode_query(word_tokenizer(), "w1 w2", "w3 w4", context_length=64)
    assert (found.prompt_ids, found.answer_ids) == ((1, 2), (3, 4))


@needs_shared(SHARED_TOKENIZER)
def test_gpt2_tokenizer(shared: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(shared / SHARED_TOKENIZER)
    found = encode_query(tokenizer, "The capital of France is", "Paris", context_length=1024)
    assert tokenizer.convert_ids_to_tokens(found.answer_ids) == ["ĠParis"]
    assert len(found.prompt_ids) == 5


@pytest.mark.parametrize(
    ("prompt", "answer", "reason"),
    [("", "w3", "no token"), ("w1", "", "cannot be told"), ("w1 w2 w3", "w4", "longer than the model's 3 tokens")],
)
def test_queries_that_cannot_be_scored_say_why(prompt: str, answer: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        encode_query(word_tokenizer(), prompt, answer, context_length=3)


def test_the_key_is_the_content_of_both_id_sequences() -> None:
    def key(prompt: tuple[int, ...], answer: tuple[int, ...], text: str = "") -> str:
        return EncodedQuery(prompt=text, prompt_ids=prompt, answer_ids=answer).key

    assert key((1, 2), (3,)) == key((1, 2), (3,), "another text")
    assert len({key((1, 2), (3,)), key((1,), (2, 3)), key((1, 2, 3), ()), key((1, 3), (2,))}) == 4


class TestCloze:
    def test_the_mask_token_stands_where_the_answer_would(self) -> None:
        tokenizer = cloze_tokenizer()
        found = encode_cloze(tokenizer, "w5 w6 [Y] w7.", "w8", context_length=64)
        expected = ["[CLS]", "w5", "w6", "[MASK]", "w7", "[UNK]", "[SEP]"]
        assert tokenizer.convert_ids_to_tokens(found.prompt_ids) == expected
        assert tokenizer.convert_ids_to_tokens(found.answer_ids) == ["w8"]
        assert mask_position(found.prompt_ids, tokenizer) == 3

    def test_the_answer_may_come_first(self) -> None:
        tokenizer = cloze_tokenizer()
        found = encode_cloze(tokenizer, "[Y] w6", "w8", context_length=64)
        assert mask_position(found.prompt_ids, tokenizer) == 1

    def test_a_mask_token_that_takes_the_space_before_it(self) -> None:
        """As RoBERTa's: the answer has the space within, so its id is not that of the bare word."""
        tokenizer = byte_level_like()
        found = encode_cloze(tokenizer, "on [Y] in", "mars", context_length=64)
        assert tokenizer.convert_ids_to_tokens(found.prompt_ids) == ["on", "<mask>", "Ġin"]
        assert tokenizer.convert_ids_to_tokens(found.answer_ids) == ["Ġmars"]

    @pytest.mark.parametrize(
        ("prompt", "answer", "reason"),
        [
            ("w5 [Y]", "w6 w7", "the answer is more than one token"),
            ("w5 [Y]", "", "the answer is more than one token"),
            ("w5 [Y]", "Paris", "the answer is not in the vocabulary"),
            ("w5", "w6", "not just one place"),
            ("w5 [Y] [Y]", "w6", "not just one place"),
            ("[MASK] [Y]", "w6", "not just one place"),
            ("w5 w6 w7 [Y]", "w8", "longer than the model's 5 tokens"),
        ],
    )
    def test_queries_that_cannot_be_scored_say_why(self, prompt: str, answer: str, reason: str) -> None:
        with pytest.raises(QueryError, match=reason):
            encode_cloze(cloze_tokenizer(), prompt, answer, context_length=5)

    def test_a_tokenizer_without_a_mask_token(self) -> None:
        with pytest.raises(QueryError, match="no mask token"):
            encode_cloze(word_tokenizer(), "w1 [Y]", "w2", context_length=None)


def byte_level_like() -> PreTrainedTokenizerFast:
    """As RoBERTa's: a space belongs to the word behind it, and the mask token swallows the one before it."""
    words = ["Ġon", "Ġin", "Ġmars", "on", "in", "mars"]
    pieces = ["<mask>", "<unk>", "Ġ", *"onimars"]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces + _prefixes(words)))}
    merges = [(word[:end], word[end]) for word in words for end in range(1, len(word))]
    tokenizer = Tokenizer(models.BPE(vocabulary, list(dict.fromkeys(merges)), unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")
    fast.add_special_tokens({"mask_token": AddedToken("<mask>", lstrip=True, special=True)})
    return fast


ASKED = {
    "words": (word_tokenizer(), [("w1 w2", "w3"), ("", "w1"), ("w5", ""), ("w7 " * 40, "w8"), ("w7", "w8 w9")]),
    "sentencepiece": (sentencepiece_like(), [("the capital of france is", "paris"), ("the", ""), ("is", "of the")]),
}


@pytest.mark.parametrize("case", ASKED)
def test_many_at_once_are_what_each_is_alone(case: str) -> None:
    tokenizer, asked = ASKED[case]
    found = encode_queries(tokenizer, asked, context_length=32)
    for (prompt, answer), one in zip(asked, found, strict=True):
        ids, joint = tokenizer(prompt)["input_ids"], tokenizer(f"{prompt} {answer}")["input_ids"]
        if isinstance(one, QueryError):
            assert not prompt or not answer or len(joint) > 32
        else:
            assert [*one.prompt_ids] == ids
            assert [*one.prompt_ids, *one.answer_ids] == joint
    assert sum(isinstance(one, EncodedQuery) for one in found) >= 2
    assert encode_queries(tokenizer, [], context_length=None) == []


def test_many_sentences_at_once_are_what_each_is_alone() -> None:
    asked = [("w1 [Y] w2", "w3"), ("w1 w2", "w3"), ("[Y]", "w3 w4"), ("[Y] w5", "w6")]
    found = encode_clozes(cloze_tokenizer(), asked, context_length=32)
    assert {type(one) for one in found} == {EncodedQuery, QueryError}
    for (prompt, answer), one in zip(asked, found, strict=True):
        if isinstance(one, QueryError):
            with pytest.raises(QueryError, match=one.reason):
                encode_cloze(cloze_tokenizer(), prompt, answer, context_length=32)
        else:
            assert one == encode_cloze(cloze_tokenizer(), prompt, answer, context_length=32)


def test_a_key_hashes_lengths_and_ids() -> None:
    """Written apart: stores of every version so far are found by these keys."""
    query = EncodedQuery(prompt="any", prompt_ids=(1, 50_000), answer_ids=(3,))
    content = np.array([2, 1, 1, 50_000, 3], dtype="<i8").tobytes()
    assert query.key == hashlib.blake2b(content, digest_size=16).hexdigest()
    assert EncodedQuery(prompt="any", prompt_ids=(1,), answer_ids=(50_000, 3)).key != query.key
