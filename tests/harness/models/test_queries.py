from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from harness.errors import QueryError
from harness.models.queries import EncodedQuery, encode_query
from tests.random_models import word_tokenizer
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
