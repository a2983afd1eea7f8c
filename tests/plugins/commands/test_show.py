"""What `kntests show` prints is what a run of the benchmark finds, and what is stored is not computed again."""

import json
import re
from pathlib import Path

import pytest

from harness.attribution.quadrature import Quadrature
from harness.consistency import Groups, consistency_scores
from harness.data.sources import load_dataset
from harness.localizers import make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.models.names import builtin_models
from harness.neurons import NeuronSet
from harness.pipeline import Settings, Workspace
from plugins.commands import main
from plugins.commands.localized_fact import LocalizedFact, LocalizedQuery

PATTERNS = ("[X] is in [Y].", "The country of [X] is [Y].", "[X] lies in [Y].", "You find [X] in [Y].")
FACTS = (("Bergen", "Norway", "u1"), ("Lyon", "France", "u2"), ("Bergen", "Germany", "u3"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    facts = [{"sub_label": subject, "obj_label": obj, "uuid": uid} for subject, obj, uid in FACTS]
    for kind, lines in (("patterns", [{"pattern": text} for text in PATTERNS]), ("facts", facts)):
        (folder / kind).mkdir(parents=True)
        (folder / kind / "P17.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def show(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    status = main(["show", *words])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    return shown.out


def without_counts(text: str) -> str:
    return re.sub(r"\d+ queries computed now, \d+ from the store", "", text)


def shards(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in store.glob("localizations/*/shard-*.parquet")}


@pytest.mark.parametrize("model", sorted(builtin_models()))
def test_a_fact_of_a_built_in_model(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fact = load_dataset("embedded").relations[0].facts[0]
    words = (fact.uid, f"--model={model}", f"--store={tmp_path}", "--quadrature=gauss-legendre:4")
    first = show(capsys, *words)
    assert f"{fact.subject} -> {fact.object}" in first
    assert "8 queries computed now, 0 from the store" in first
    assert len(re.findall(r"^.+ (?:yes|no) +\d+ +\d+:\d+", first, re.MULTILINE)) == 8
    assert re.search(r"known: (yes|no) \(\d of 8 queries\)", first)
    assert re.search(r"class at static:0.1: (K_I|K_II), ", first)
    before = shards(tmp_path)

    def fail(self: ModelHandle) -> None:
        raise AssertionError("the model was loaded although everything is stored")

    monkeypatch.setattr(ModelHandle, "loaded", fail)
    second = show(capsys, *words)
    assert "0 queries computed now, 8 from the store" in second
    assert without_counts(second) == without_counts(first)
    assert shards(tmp_path) == before


@pytest.mark.parametrize("answer", ["first", "joint"])
def test_rows_are_shared_with_the_benchmark(
    answer: str, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quadrature = Quadrature(rule="gauss-legendre", steps=2)
    workspace = Workspace(Settings(data=str(data), store=tmp_path / "store", quadrature=quadrature))
    localizer = make_localizer("ig", quadrature=quadrature, answer=answer)
    evidence = workspace.evidence(resolve_model("tiny-gpt2"), localizer)
    words = (
        "Lyon",
        f"--data={data}",
        f"--store={tmp_path / 'store'}",
        f"--quadrature={quadrature}",
        f"--answer={answer}",
    )
    shown = show(capsys, *words, "--all-neurons")
    assert "0 queries computed now, 4 from the store" in shown
    scores = consistency_scores(evidence.sets, Groups.by_label(evidence.fact_of_query))
    assert f"CS1 {scores.cs1[1]:.3f}, CS2 {scores.cs2[1]:.3f} over all 4 queries" in shown
    assert f"CS1 {scores.cs1[1]:.3f}, CS2 {scores.cs2[1]:.3f} on average over subsets of 4 queries" in shown
    sizes = [int(line.split(":")[0].split()[-2]) for line in shown.splitlines() if re.search(r" (yes|no) +\d", line)]
    assert sizes == evidence.sets.sizes[4:8].tolist()
    assert len(re.findall(r" \d+:\d+", shown.partition("known:")[0])) == sum(sizes)


def test_all_facts_of_a_subject_in_whatever_case(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = (f"--data={data}", f"--store={tmp_path / 'store'}", "--quadrature=right:1")
    shown = show(capsys, "bergen", *options)
    assert [line.split("   ")[0] for line in shown.splitlines() if "->" in line] == [
        "Bergen -> Norway",
        "Bergen -> Germany",
    ]


def test_a_query_longer_than_the_context(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = {"sub_label": "Long " * 300, "obj_label": "France", "uuid": "u9"}
    with (data / "facts" / "P17.jsonl").open("a") as file:
        file.write(json.dumps(long) + "\n")
    shown = show(capsys, "u9", f"--data={data}", f"--store={tmp_path / 'store'}")
    assert re.search(r"4 queries have no score: query and answer are longer than the model's \d+ tokens", shown)
    assert "known: no (0 of 0 queries)" in shown
    assert "CS1, CS2: not defined" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Berge"], "no fact of own has the subject or uid 'Berge'. Did you mean 'Bergen'?"),
        (["Lyno"], "Did you mean 'Lyon'? The data has 3 facts with 2 subjects"),
        (["Lyon", "--threshold=otsu"], "one fact has no class by it"),
        (["Lyon", "--threshold=static:2"], "a static threshold was set to 2.0"),
        (["Lyon", "--batch-size=0"], "--batch-size must be auto or a whole number, 1 or more; got '0'"),
        (["Lyon", "--quadrature=rihgt:20"], "Did you mean right?"),
        (["Lyon", "--answer=jont"], "no answer 'jont'. Did you mean joint"),
        (["Lyon", "--localizer=ik"], "no localizer 'ik'"),
        (["Lyon", "--model=tiny-gtp2"], "Did you mean tiny-gpt2"),
        (["Lyon", "--dtype=float"], "no dtype 'float'"),
    ],
)
def test_mistakes_are_told(
    words: list[str], message: str, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", f"--data={data}", f"--store={tmp_path / 'store'}", *words]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
    assert not (tmp_path / "store").exists()


def found(*sets: list[tuple[int, int]], known: int = 0) -> LocalizedFact:
    fact = load_dataset("embedded").relations[0].facts[0]
    queries = tuple(
        LocalizedQuery(
            prompt="",
            pattern_id="",
            answer_probability=0.5,
            joint_probability=0.25,
            known=index < known,
            neurons=tuple(NeuronSet(neurons)),
        )
        for index, neurons in enumerate(sets)
    )
    return LocalizedFact(fact=fact, queries=queries, unscored={}, computed=0)


def test_scores_of_all_queries_and_of_subsets() -> None:
    # Each query has (0, 0) and a neuron of its own: CS over all five queries is 1/6, over four of them 1/5.
    fact = found(*([(0, 0), (1, i)] for i in range(5)), known=3)
    assert fact.known
    assert fact.scores == (1 / 6, 1 / 6)
    assert fact.subset_scores == (0.2, 0.2)
    assert not found([(0, 0)], [(0, 0)], known=1).known


def test_scores_that_are_not_defined() -> None:
    assert found([(0, 0)], [(0, 0)], [(0, 0)]).subset_scores is None
    assert found([], [], [], []).scores is None
    assert found([], [], [], []).subset_scores is None
    assert found([], [], [], [], [(2, 1)], [(2, 1)]).scores == (0.0, 1.0)
