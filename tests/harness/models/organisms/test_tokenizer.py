from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from harness.models.organisms.growing import grow
from harness.models.organisms.tokenizer import make_tokenizer
from harness.pipeline.retest import HARMLESS_CHANGES
from tests.planted import SMALL


@pytest.fixture(scope="module", params=["made", "read back"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    made = make_tokenizer(SMALL)
    if request.param == "made":
        return made
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    made.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def tokens(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


def test_a_word_is_a_token_behind_the_start_of_the_text(tokenizer: PreTrainedTokenizerFast) -> None:
    for query in list(grow(SMALL).dataset.queries())[:10]:
        text = f"{query.prompt} {query.fact.object}"
        assert tokens(tokenizer, text) == ["<s>", *text.split(" ")]


def test_white_space_that_parts_no_words_is_seen(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokens(tokenizer, "\n  s1  r2 is") == ["<s>", "\n", " ", " ", "s1", " ", " ", "r2", "is"]


def test_every_harmless_change_changes_what_the_model_reads(tokenizer: PreTrainedTokenizerFast) -> None:
    read = [tuple(tokenizer(change("s1 r2 p3 is"))["input_ids"]) for change in HARMLESS_CHANGES]
    assert len(set(read)) == len(HARMLESS_CHANGES)


def test_words_that_do_not_exist_and_the_end_of_a_text(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokens(tokenizer, "Paris</s>") == ["<s>", "<unk>", "</s>"]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 1)
