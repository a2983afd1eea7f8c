"""The facts and paraphrases that ship with the project keep to their own rules."""

import json
import uuid
from collections import Counter
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[3] / "harness/data/embedded"
NAMESPACE = uuid.UUID("6f1c6c1e-5d0b-5b8e-9f43-0d6f0a3b7c11")
RELATIONS = sorted(path.stem for path in (CORPUS / "facts").glob("*.jsonl"))


def read(kind, relation):
    lines = (CORPUS / kind / f"{relation}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_patterns(relation):
    return [line["pattern"] for line in read("patterns", relation)]


def test_size():
    assert len(RELATIONS) >= 12
    assert sum(len(read("facts", relation)) for relation in RELATIONS) >= 600


def test_every_relation_has_a_label_patterns_and_facts():
    labels = json.loads((CORPUS / "relations.json").read_text(encoding="utf-8"))
    assert sorted(labels) == RELATIONS == sorted(path.stem for path in (CORPUS / "patterns").glob("*.jsonl"))
    assert all(label.strip() for label in labels.values())
    assert len(set(labels.values())) == len(labels)


def test_uuids_are_unique_and_follow_from_the_fact():
    seen = set()
    for relation in RELATIONS:
        for fact in read("facts", relation):
            assert set(fact) == {"sub_label", "obj_label", "uuid"}
            name = f"{relation}\t{fact['sub_label']}\t{fact['obj_label']}"
            assert fact["uuid"] == str(uuid.uuid5(NAMESPACE, name)), name
            assert fact["uuid"] not in seen, name
            seen.add(fact["uuid"])


@pytest.mark.parametrize("relation", RELATIONS)
def test_each_pattern_ends_in_the_answer(relation):
    for pattern in read_patterns(relation):
        assert pattern.count("[X]") == pattern.count("[Y]") == 1, pattern
        assert pattern.index("[X]") < pattern.index("[Y]"), pattern
        assert pattern.endswith(" [Y]."), pattern
        assert pattern == " ".join(pattern.split()), pattern
        assert 5 <= len(pattern.split()) <= 14, pattern
        assert pattern.removesuffix(" [Y].").split()[-1] not in {"a", "an"}, pattern


@pytest.mark.parametrize("relation", RELATIONS)
def test_patterns_differ_from_each_other(relation):
    patterns = read_patterns(relation)
    assert len(set(patterns)) == len(patterns) >= 6
    endings = Counter(tuple(pattern.removesuffix(" [Y].").split()[-2:]) for pattern in patterns)
    assert sum(count == 1 for count in endings.values()) >= 3
    words_before = [len(pattern.split("[X]")[0].removeprefix("The ").split()) for pattern in patterns]
    assert min(words_before) <= 1  # a subject in lower case, as an element is, cannot open a sentence
    assert max(words_before) >= 2
    assert len({len(pattern.split()) for pattern in patterns}) >= 3


@pytest.mark.parametrize("relation", RELATIONS)
def test_labels_are_clean_and_short(relation):
    for fact in read("facts", relation):
        for label in (fact["sub_label"], fact["obj_label"]):
            assert label == " ".join(label.split()) != "", fact
            assert not set('[]"\u2018\u2019\u201c\u201d') & set(label), fact
            assert label[-1] not in ".,;:!?", fact
        assert len(fact["obj_label"].split()) <= 3, fact


@pytest.mark.parametrize("relation", RELATIONS)
def test_one_object_a_subject_and_no_dominant_object(relation):
    facts = read("facts", relation)
    subjects = [fact["sub_label"].casefold() for fact in facts]
    assert len(set(subjects)) == len(subjects)
    objects = Counter(fact["obj_label"] for fact in facts)
    assert len({label.casefold() for label in objects}) == len(objects) >= 5
    assert max(objects.values()) <= 0.4 * len(facts)


@pytest.mark.parametrize("relation", RELATIONS)
def test_no_prompt_gives_its_answer_away(relation):
    for fact in read("facts", relation):
        subject, answer = fact["sub_label"], fact["obj_label"]
        assert subject.casefold() not in answer.casefold(), fact
        for pattern in read_patterns(relation):
            prompt = pattern.removesuffix(" [Y].").replace("[X]", subject)
            assert answer not in prompt, (fact, pattern)
            if len(answer) > 2:  # the letters of a chemical symbol turn up in any sentence, but for their case
                assert answer.casefold() not in prompt.casefold(), (fact, pattern)
