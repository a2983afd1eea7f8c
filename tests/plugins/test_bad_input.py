"""Bad input given to the benchmark itself, on the real harness: one sentence, no traceback, nothing lost."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from harness.models.names import builtin_models
from plugins import backend  # noqa: F401  (numpy and torch must be there before pytest runs within pytest)
from tests.broken_disk import broken_disk

CONFTEST = """
from plugins.backend import HarnessBackend
from plugins.benchmark import activate
from plugins.fixtures import benchmark_session, judge, model
from plugins.parametrization import pytest_generate_tests

def pytest_configure(config):
    activate(config, HarnessBackend())
"""
CLAIM = """
import pytest
from harness.claims import Prevalence

@pytest.mark.statistical
def test_claim(judge, threshold):
    judge(Prevalence, threshold=threshold)
"""
PATTERNS = ("[X] is in [Y].", "[X] lies in [Y].", "You find [X] in [Y].", "The country of [X] is [Y].")
FACTS = (("Bergen", "Norway", "u1"), ("Lyon", "France", "u2"))
LONG = "Lyon " * 70


def write(folder: Path, relation: str, patterns: tuple[str, ...] = PATTERNS, facts: object = FACTS) -> Path:
    lines = {
        "patterns": [{"pattern": text} for text in patterns],
        "facts": [{"sub_label": s, "obj_label": o, "uuid": u} for s, o, u in facts],  # type: ignore[attr-defined]
    }
    for kind, rows in lines.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{relation}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def real(bench, monkeypatch):
    """The benchmark in a folder of its own, with models and one claim."""
    bench.write("kntests/conftest.py", CONFTEST)
    bench.write("kntests/test_claims.py", CLAIM)
    return bench


def run(real, *arguments: str) -> pytest.RunResult:
    result = real.run_one("--quadrature=right:1", "--draws=100", "--store=store", *arguments)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    return result


def stored(real) -> set[str]:
    return {path.name for path in (real.path / "store").rglob("shard-*")}


@pytest.mark.parametrize(
    ("patterns", "facts", "says"),
    [
        (PATTERNS, (*FACTS, ("Nice", "", "u3")), "facts/P17.jsonl, line 3: 'obj_label' should be a text that is not e"),
        ((*PATTERNS, "It is in [Y]."), FACTS, "patterns/P17.jsonl, line 5: a pattern needs exactly one [X] for the su"),
        ((*PATTERNS, "[X]: [Y], [Y]."), FACTS, "patterns/P17.jsonl, line 5: a pattern needs exactly one [Y] for the a"),
        (PATTERNS, (*FACTS, ("Nice", "France", "u1")), "P17.jsonl, line 3: the uuid u1 was already used in P17.jsonl"),
        (
            PATTERNS,
            ((LONG, "France", "u1"),),
            "no query of own can be put to tiny-gpt2: 4 queries, because query and a",
        ),
        (("[Y] holds [X].",), FACTS, "no relation to work with (P17: 0 of its 1 patterns have the answer last, two a"),
    ],
    ids=["empty object", "no subject", "two answers", "uuid twice", "all too long", "no relation"],
)
def test_data_that_cannot_be_used(real, patterns, facts, says):
    result = run(real, f"--data={write(real.path / 'own', 'P17', patterns, facts)}")
    assert result.parseoutcomes() == {"failed": 1}
    (line,) = {line for line in result.stdout.lines if line.startswith("DataError: ")}
    assert says in line
    assert not stored(real)


def test_what_cannot_be_scored_or_used_is_counted_and_the_rest_is_judged(real):
    data = write(real.path / "own", "P17", facts=(*FACTS, (LONG, "France", "u3")))
    write(data, "P30", ("[Y] holds [X].",), (("Oslo", "Europe", "u4"),))
    run(real, f"--data={data}")
    record = json.loads(next((real.path / "store").glob("runs/*/run.json")).read_text())
    (row,) = record["claims"]
    assert row["n_unscored"] == len(PATTERNS)
    assert (row["n_queries"], row["n_relations"]) == (2 * len(PATTERNS), 1)
    skipped = record["manifest"]["data"]["own"]["skipped"]
    assert "0 of its 1 patterns have the answer last" in str(skipped)


@pytest.fixture
def folder(real) -> Path:
    return shutil.copytree(builtin_models()["tiny-gpt2"], real.path / "mine")


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100_000])


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (cut, "the weights of 'mine' are damaged or cut short"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "'mine' has no tokenizer that can be read"),
        (lambda folder: (folder / "config.json").write_text("{"), "'mine' has a config.json that cannot be read"),
    ],
    ids=["weights", "tokenizer", "config"],
)
def test_a_model_that_cannot_be_used(real, folder, harm, says):
    harm(folder)
    result = run(real, f"--model={folder}", f"--data={write(real.path / 'own', 'P17')}")
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines([f"ModelError: *{says}*"])
    assert not stored(real)


def test_a_folder_that_is_no_model(real):
    result = run(real, "--model=./kntests")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the folder './kntests' holds no model*lacks config.json, model.safetensors.*"])


def test_a_model_that_is_not_in_the_cache(real):
    result = run(real, "--model=owner/no-such-model", "--offline", f"--data={write(real.path / 'own', 'P17')}")
    result.stdout.fnmatch_lines(["ModelError: owner/no-such-model may not be fetched (--offline*none of its files*"])


@pytest.mark.parametrize(
    ("code", "word"),
    [(errno.ENOSPC, "No space left"), pytest.param(errno.EROFS, "Read-only file system", marks=pytest.mark.slow)],
)
def test_a_disk_that_fails(real, code, word):
    data = f"--data={write(real.path / 'own', 'P17')}"
    with broken_disk("fsync", code, spared=1):  # the manifest goes well, the first shard does not
        result = run(real, data)
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines([f"StoreError: *store/localizations/*: a shard cannot be written: {word}*"])
    assert not stored(real)
    assert run(real, data).parseoutcomes() == {"skipped": 1}  # somebody made room
    kept = stored(real)
    with broken_disk("fsync", code):  # all shards are there, but the run cannot be written
        result = run(real, data)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"This run could not be saved: store/runs: the run cannot be saved: {word}*"])
    assert stored(real) == kept
