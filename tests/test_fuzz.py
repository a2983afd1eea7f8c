"""Whatever stands in a file or on the command line: it is read, or refused by an error of ours, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.attribution.quadrature import Quadrature
from harness.consistency import parse_threshold
from harness.data.check import check_folder
from harness.data.folder import load_folder
from harness.errors import HarnessError
from harness.models.files import foreign_weights
from harness.models.names import resolve_name
from harness.records import RunRecord
from harness.store.inspection import leftovers, problems
from plugins.settings import whole

MANY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FACT = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("uuid", "sub_label", "obj_label"), JSON)
) | st.fixed_dictionaries({key: st.text(min_size=1) for key in ("uuid", "sub_label", "obj_label")})
PATTERN = st.fixed_dictionaries({}, optional={"pattern": JSON}) | st.fixed_dictionaries(
    {"pattern": st.sampled_from(["[X] is [Y] .", "[X] of [Y]", "[Y]", "[X][X][Y]"])}
)
LONG_NUMBER = ("1" * 5000).encode()
DEEP = b"[" * 100_000


def lines_of(records: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    written = st.lists(records | JSON, max_size=5).map(lambda found: "\n".join(map(json.dumps, found)).encode())
    return written | st.binary(max_size=200)


def allowed_to_refuse(read: Callable[[], object]) -> None:
    """Anything but an error of ours comes through, and fails the test."""
    try:
        read()
    except HarnessError as error:
        str(error).encode(errors="backslashreplace")  # as stderr does


@MANY
@given(patterns=lines_of(PATTERN), facts=lines_of(FACT))
@example(patterns=b"", facts=b"")
@example(patterns=LONG_NUMBER, facts=LONG_NUMBER)
@example(patterns=DEEP, facts=DEEP)
@example(
    patterns=b'{"pattern": "[X] a [Y]"}\n{"pattern": "[X] b [Y]"}',
    facts=b'{"uuid": "\\ud800", "sub_label": "\\udfff", "obj_label": "x"}',
)
def test_data_folders(tmp_path: Path, patterns: bytes, facts: bytes) -> None:
    for name, content in (("patterns", patterns), ("facts", facts)):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "P1.jsonl").write_bytes(content)
    for form in ("load", "check"):
        allowed_to_refuse(lambda form=form: check_folder(tmp_path) if form == "check" else read_all(tmp_path))


def read_all(folder: Path) -> None:
    """Reads the facts and asks for each."""
    for query in load_folder(folder).queries():
        f"{query.prompt} {query.fact.object} {query.fact.uid}".encode()


WEIGHTS = st.fixed_dictionaries({"weight_map": st.dictionaries(st.text(), JSON)}) | st.fixed_dictionaries(
    {}, optional={"model_type": JSON, "transformers_weights": JSON}
)


@MANY
@given(config=lines_of(WEIGHTS), index=lines_of(WEIGHTS))
@example(config=DEEP, index=DEEP)
@example(config=b"{}", index=json.dumps({"weight_map": {"a": "x" * 5000, "b": "\x00", "c": "\ud800"}}).encode())
def test_what_a_models_folder_says_of_its_weights(tmp_path: Path, config: bytes, index: bytes) -> None:
    (tmp_path / "config.json").write_bytes(config)
    (tmp_path / "model.safetensors.index.json").write_bytes(index)
    (tmp_path / "model.safetensors").touch()
    allowed_to_refuse(lambda: resolve_name(str(tmp_path)))
    foreign_weights(tmp_path)


@MANY
@given(text=st.text() | JSON.map(json.dumps) | st.dictionaries(st.text(), JSON).map(json.dumps))
@example(text="1" * 5000)
@example(text="[" * 100_000)
@example(text='{"schema_version": 1, "manifest": 3, "claims": 7}')
@example(text='{"schema_version": 1, "manifest": {}, "claims": [null]}')
def test_run_records(text: str) -> None:
    allowed_to_refuse(lambda: RunRecord.from_json(text))


@MANY
@given(changes=st.dictionaries(st.sampled_from(["schema_version", "manifest", "claims", "more"]), JSON, min_size=1))
def test_run_records_that_are_nearly_right(changes: dict[str, Any]) -> None:
    whole = {"schema_version": 1, "manifest": {}, "claims": []}
    allowed_to_refuse(lambda: RunRecord.from_json(json.dumps({**whole, **changes})))


@MANY
@given(text=st.text() | st.from_regex(r"(static|otsu|right|left|gauss-legendre)[:0-9.e+-]{0,12}", fullmatch=True))
@example(text="static:nan")
@example(text="static:" + "9" * 5000)
@example(text="right:" + "9" * 5000)
@example(text="9" * 5000)
def test_expressions(text: str) -> None:
    allowed_to_refuse(lambda: parse_threshold(text))
    allowed_to_refuse(lambda: Quadrature.parse(text))
    allowed_to_refuse(lambda: whole("limit", text, 1))


@MANY
@given(content=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
@example(content=LONG_NUMBER)
@example(content=DEEP)
def test_stores_of_somebody_else(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "localizations/abc"
    (tmp_path / "runs/0001_x").mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / "manifest.json", folder / "shard-1.parquet", tmp_path / "runs/0001_x/run.json"):
        path.write_bytes(content)
    found = list(problems(tmp_path))
    assert {problem.path.name for problem in found} >= {"manifest.json", "shard-1.parquet", "run.json"}
    list(leftovers(tmp_path))


@pytest.mark.parametrize("name", ["\x00", "a\x00b", "../" * 40 + "etc/passwd", "x" * 5000, "\ud800"])
def test_names_of_data_and_models_that_are_no_paths(name: str) -> None:
    from harness.data.sources import load_dataset

    allowed_to_refuse(lambda: resolve_name(name))
    allowed_to_refuse(lambda: load_dataset(name, offline=True))
