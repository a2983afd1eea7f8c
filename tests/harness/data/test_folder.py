import json
from pathlib import Path

import pytest

from harness.data.facts import Fact, Pattern, QueryForm
from harness.data.folder import load_folder
from harness.data.sources import EMBEDDED, load_dataset
from harness.errors import ConfigError, DataError
from tests.shared_data import needs_shared

PATTERNS = ["[X] lies in [Y].", "[X] is found in [Y] .", "[Y] holds [X]."]


def write(folder: Path, relation: str = "P1", patterns: list[str] | None = None, facts: int = 3) -> Path:
    for name in ("patterns", "facts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"pattern": text}) for text in (PATTERNS if patterns is None else patterns)]
    (folder / "patterns" / f"{relation}.jsonl").write_text("\n".join(lines))
    rows = [{"sub_label": f"s{i}", "obj_label": f"o{i}", "uuid": f"{relation}-{i}"} for i in range(facts)]
    (folder / "facts" / f"{relation}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_queries_are_cut_at_the_answer(tmp_path: Path) -> None:
    dataset = load_folder(write(tmp_path))
    prompts = [query.prompt for query in dataset.queries()]
    assert prompts[:2] == ["s0 lies in", "s0 is found in"]
    assert (dataset.n_patterns, dataset.n_facts, dataset.n_queries) == (3, 3, 6)


def test_a_masked_model_is_asked_whole_sentences_with_the_answer_anywhere(tmp_path: Path) -> None:
    dataset = load_folder(write(tmp_path), form=QueryForm.CLOZE)
    queries = list(dataset.queries())
    assert [query.prompt for query in queries[:3]] == ["s0 lies in [Y].", "s0 is found in [Y] .", "[Y] holds s0."]
    assert {query.form for query in queries} == {QueryForm.CLOZE}
    assert (dataset.n_patterns, dataset.n_queries, dataset.name) == (3, 9, f"{tmp_path.name} (cloze)")
    assert dataset.fingerprint != load_folder(tmp_path).fingerprint


def test_a_relation_with_one_pattern_is_skipped_in_either_form(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "P2", patterns=PATTERNS[2:])
    skipped = {form: dict(load_folder(tmp_path, form=form).skipped) for form in QueryForm}
    assert skipped[QueryForm.CONTINUATION] == {"P2": "0 of its 1 patterns have the answer last, two are needed"}
    assert skipped[QueryForm.CLOZE] == {"P2": "1 of its 1 patterns can be asked, two are needed"}


@pytest.mark.parametrize(
    ("text", "stem"),
    [("[X] is [Y].", "[X] is"), ("[X] is [Y] .", "[X] is"), ("[X] is [Y]", "[X] is"), ("[Y] is [X].", None)],
)
def test_answer_last_up_to_a_full_stop(text: str, stem: str | None) -> None:
    assert Pattern(id="P1:1", text=text).stem == stem


def test_a_subject_with_regex_characters() -> None:
    fact = Fact(uid="u", relation="P1", subject=r"a\1[X].*", object="o")
    assert Pattern(id="P1:1", text="[X] is [Y].").ask(fact) == r"a\1[X].* is"


@pytest.mark.parametrize(
    "layout", [("pattern_data/graphs_json", "trex_lms_vocab"), ("data/pattern_data/graphs_json", "data/trex_lms_vocab")]
)
def test_pararels_own_layout(tmp_path: Path, layout: tuple[str, str]) -> None:
    source = write(tmp_path / "short")
    for ours, theirs in zip(("patterns", "facts"), layout, strict=True):
        (tmp_path / "theirs" / theirs).parent.mkdir(parents=True, exist_ok=True)
        (source / ours).rename(tmp_path / "theirs" / theirs)
    assert load_folder(tmp_path / "theirs").n_queries == 6


def test_relations_that_cannot_be_used_are_skipped_and_say_why(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "P2", patterns=PATTERNS[1:])
    write(tmp_path, "P3", facts=0)
    (write(tmp_path, "P4") / "facts" / "P4.jsonl").unlink()
    (write(tmp_path, "P5") / "patterns" / "P5.jsonl").unlink()
    dataset = load_folder(tmp_path)
    assert [relation.name for relation in dataset.relations] == ["P1"]
    assert {name: reason.split()[0] for name, reason in dataset.skipped} == {
        "P2": "1",
        "P3": "its",
        "P4": "it",
        "P5": "it",
    }


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("facts", "{not json", "not a line of JSON"),
        ("facts", "[1]", "expected a JSON object"),
        ("facts", '{"sub_label": "s", "uuid": "u"}', "'obj_label' should be a text"),
        ("facts", '{"sub_label": "s", "obj_label": " ", "uuid": "u"}', "'obj_label' should be a text"),
        ("facts", '{"sub_label": "s", "obj_label": "o", "uuid": "P1-0"}', "the uuid P1-0 was already used"),
        ("patterns", '{"pattern": "[X] is [Y] or [Y]."}', r"exactly one \[Y\]"),
        ("patterns", '{"pattern": "it is [Y]."}', r"exactly one \[X\]"),
        ("patterns", "[" * 100_000, "not a line of JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, file: str, line: str, message: str) -> None:
    path = write(tmp_path) / file / "P1.jsonl"
    path.write_text(path.read_text() + "\n\n" + line)
    with pytest.raises(DataError, match=message) as caught:
        load_folder(tmp_path)
    assert (caught.value.path, caught.value.line) == (path, 5)
    assert f"{path}, line 5" in str(caught.value)


def test_folders_without_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"it should hold patterns/ and facts/"):
        load_folder(tmp_path)
    (tmp_path / "patterns").mkdir()
    (tmp_path / "facts").mkdir()
    with pytest.raises(DataError, match=r"it holds no \*\.jsonl file"):
        load_folder(tmp_path)
    write(tmp_path, patterns=["[X] is [Y]."])
    with pytest.raises(DataError, match="P1: 1 of its 1 patterns"):
        load_folder(tmp_path)


def test_a_sample_is_seeded_and_independent_between_relations(tmp_path: Path) -> None:
    write(tmp_path, "P1", facts=50)
    alone = load_folder(tmp_path).sample(5, seed=1)
    write(tmp_path, "P2", facts=50)
    both = load_folder(tmp_path).sample(5, seed=1)
    assert alone.relations[0] == both.relations[0]
    assert both.n_facts == 10
    assert both.sample(5, seed=1) == both
    assert load_folder(tmp_path).sample(5, seed=2).relations[0] != both.relations[0]
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        both.sample(0, seed=1)


def test_choosing_relations(tmp_path: Path) -> None:
    write(tmp_path, "P1")
    write(tmp_path, "P2")
    write(tmp_path, "P3", facts=0)
    dataset = load_folder(tmp_path)
    assert [relation.name for relation in dataset.only(["P2"]).relations] == ["P2"]
    with pytest.raises(ConfigError, match=r"no relation 'P21'.*Did you mean P2"):
        dataset.only(["P21"])
    with pytest.raises(ConfigError, match="P3 is unusable"):
        dataset.only(["P3"])


def test_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    one = load_folder(write(tmp_path / "a")).fingerprint
    assert load_folder(write(tmp_path / "b")).fingerprint == one
    assert load_folder(write(tmp_path / "c", facts=2)).fingerprint != one


def test_the_embedded_corpus_is_used_whole() -> None:
    dataset = load_dataset(EMBEDDED)
    assert dataset.skipped == ()
    assert len(dataset.relations) >= 12
    assert dataset.n_facts >= 600
    assert all(len(relation.patterns) >= 6 for relation in dataset.relations)


@needs_shared("data/pararel")
def test_pararel_has_the_counts_that_are_known(shared: Path) -> None:
    dataset = load_folder(shared / "data/pararel")
    usable = sum(len(relation.patterns) for relation in dataset.relations)
    # Four relations with a single usable pattern each are skipped: 210 + 4 = 214 patterns end in [Y].
    assert (dataset.n_patterns, usable + 4, len(dataset.relations)) == (329, 214, 35)
    assert (dataset.n_facts, dataset.n_queries) == (24_943, 141_658)
    with_patterns = [name for name, _ in dataset.skipped if name not in ("P31", "P527")]
    assert with_patterns == ["P1001", "P140", "P190", "P37"]


@needs_shared("data/pararel")
def test_pararel_for_masked_models(shared: Path) -> None:
    """All patterns but the only one of P1001."""
    dataset = load_folder(shared / "data/pararel", form=QueryForm.CLOZE)
    usable = sum(len(relation.patterns) for relation in dataset.relations)
    assert (dataset.n_patterns, usable, len(dataset.relations)) == (329, 328, 38)
    assert dataset.n_queries == sum(len(r.patterns) * len(r.facts) for r in dataset.relations) == 224_010
