"""The texts that perplexity is measured on, and which of them a fact gets."""

import re
from collections import Counter
from pathlib import Path

import pytest

from harness.data.download import HOME_VARIABLE, cache_folder, fetch
from harness.data.passages import check_text, draw_passages, load_passages, text_fingerprint
from harness.data.remote import wikitext2
from harness.errors import DataError
from tests.harness.data.loopback import served
from tests.shared_data import needs_shared


def test_the_embedded_text_is_plain_paragraphs() -> None:
    passages = load_passages("embedded")
    assert len(passages) >= 40
    assert len(set(passages)) == len(passages)
    for passage in passages:
        assert len(passage.split()) >= 40, passage
        assert passage == " ".join(passage.split())
        assert passage.isascii()
        assert passage[-1] == "."


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n = Title = \n\n First passage .\n = = Deeper = = \nSecond = passage\n", encoding="utf-8")
    assert load_passages(str(path)) == ("First passage .", "Second = passage")


@pytest.mark.parametrize("place", ["test.txt", "word_language_model/data/wikitext-2/test.txt"])
def test_a_folder_as_wikitext2_is_published(place: str, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("One passage .\n", encoding="utf-8")
    assert load_passages(str(tmp_path)) == ("One passage .",)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a folder without a test\.txt"):
        check_text(str(tmp_path))


def test_checking_reads_what_is_here_and_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    check_text("embedded")
    check_text("wikitext2")
    with pytest.raises(DataError, match="kntests fetch wikitext2"):
        check_text("wikitext2", offline=True)
    with pytest.raises(DataError, match="no text called"):
        check_text("x" * 5000)


def test_a_text_is_known_by_its_passages_and_not_by_its_file(tmp_path: Path) -> None:
    for name, content in (("a", "One .\nTwo .\n"), ("b", " = Title =\n\n One . \nTwo ."), ("c", "Two .\nOne .")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    a, b, c = (text_fingerprint(load_passages(str(tmp_path / name))) for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("content", "words"), [(b"\n = Only = \n", "holds no passage"), (b"\xff\xfe", "cannot be read as UTF-8")]
)
def test_a_file_without_passages(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        load_passages(str(path))


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(DataError, match="Did you mean wikitext2"):
        load_passages("wikitext")


def test_offline_without_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match="kntests fetch wikitext2"):
        load_passages("wikitext2", offline=True)


@needs_shared("data/wikitext2")
def test_wikitext2_from_a_server(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    content = (shared / "data/wikitext2/test.txt").read_bytes()
    with served({wikitext2().files[0].path: content}) as home:
        assert fetch(wikitext2(), cache_folder(wikitext2()), mirror=home.url) == 1
    passages = load_passages("wikitext2", offline=True)
    lines = [line for line in content.decode().split("\n") if line.strip()]
    assert len(passages) == len(lines) - sum(re.fullmatch(r" (= )+.*( =)+ ", line) is not None for line in lines)
    assert len(passages) > 2000
    assert passages[0].startswith("Robert <unk> is an English film")


def test_a_fact_always_gets_the_same_passages_and_facts_get_different_ones() -> None:
    drawn = [draw_passages(42, f"fact-{i}", 0) for i in range(600)]
    assert drawn[3] == draw_passages(42, "fact-3", 0) != draw_passages(42, "fact-3", 1)
    assert all(len(set(d)) == 5 and sorted(d) == list(d) for d in drawn)
    counts = Counter(i for d in drawn for i in d)
    assert len(counts) == 42
    assert max(counts.values()) < 1.6 * 3000 / 42


def test_fewer_passages_than_wanted_are_all_taken() -> None:
    assert draw_passages(3, "fact", 0) == (0, 1, 2)
