"""Reading saved runs."""

import json

import pytest

from harness.errors import RecordError, StoreError
from harness.records import ClaimRow, Manifest, RunRecord
from reports.load import load_run


@pytest.fixture
def record():
    row = ClaimRow(
        claim="prevalence",
        statement="K_II exists",
        marker="statistical",
        model="gpt2",
        localizer="ig",
        threshold="otsu",
        verdict="SUPPORTED",
        reason="so",
    )
    manifest = Manifest(
        created="2026-01-01T00:00:00+00:00",
        command="pytest kntests",
        versions={},
        platform={},
        models={},
        data={},
        settings={},
        smoke=None,
        seconds=1.5,
    )
    return RunRecord(manifest=manifest, claims=(row,))


def test_run_is_read_from_its_folder_or_file(tmp_path, record):
    (tmp_path / "run.json").write_text(record.to_json())
    assert load_run(tmp_path) == record
    assert load_run(str(tmp_path / "run.json")) == record


def test_missing_run_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"run\.json: no saved run here") as caught:
        load_run(tmp_path)
    assert caught.value.path == tmp_path / "run.json"


def test_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "run.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="cannot be read"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.update(schema_version=99), "schema version"),
        (lambda data: data["claims"][0].update(colour="red"), "'colour' is unknown"),
        (lambda data: data["manifest"].pop("command"), "'command' is missing"),
    ],
)
def test_record_of_another_shape_is_refused_with_its_file(tmp_path, record, change, says):
    data = json.loads(record.to_json())
    change(data)
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(RecordError, match=says) as caught:
        load_run(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_truncated_file_is_refused(tmp_path, record):
    (tmp_path / "run.json").write_text(record.to_json()[:100])
    with pytest.raises(RecordError, match="not a run record"):
        load_run(tmp_path)
