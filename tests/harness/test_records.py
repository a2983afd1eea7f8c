import json
import math

import numpy as np
import pytest

from harness.errors import RecordError
from harness.records import ClaimRow, Manifest, RunRecord


def claim_row(**changes: object) -> ClaimRow:
    fields: dict[str, object] = {
        "claim": "prevalence",
        "statement": "K_II exists extensively",
        "marker": "statistical",
        "model": "m",
        "localizer": "ig",
        "threshold": "otsu",
        "verdict": "SUPPORTED",
        "reason": "because",
        "estimate": 0.5,
        "extras": {"by_relation": {"P36": {"share": 0.25, "n": 4, "none": None}}, "list": [1, 2.5, "x", True]},
    }
    return ClaimRow(**{**fields, **changes})  # type: ignore[arg-type]


def manifest() -> Manifest:
    return Manifest(
        created="2026-01-01T00:00:00+00:00",
        command="pytest kntests",
        versions={"python": "3.11"},
        platform={"system": "x"},
        models={"m": {"weights": "abc"}},
        data={"embedded": {"facts": 3}},
        settings={"limit": None},
        smoke=None,
        seconds=1.5,
    )


def test_a_run_reads_back_what_was_written() -> None:
    record = RunRecord(manifest=manifest(), claims=(claim_row(), claim_row(threshold=None, estimate=None)))
    assert RunRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimate": math.nan}, "estimate is nan"),
        ({"ci_low": math.inf}, "ci_low is inf"),
        ({"estimate": np.float64(0.5)}, "estimate is a float64"),
        ({"n_facts": np.int64(3)}, "n_facts is a int64"),
        ({"extras": {"deep": [{"value": np.float32(1)}]}}, r"extras\.deep\[0\]\.value is a float32"),
        ({"extras": {"deep": {1: "x"}}}, "has the key 1"),
    ],
)
def test_only_what_json_can_say_is_recorded(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        claim_row(**changes)


@pytest.mark.parametrize("place", ["claims", "manifest", "run"])
@pytest.mark.parametrize("change", ["unknown", "missing"])
def test_a_key_too_many_or_too_few_is_refused(place: str, change: str) -> None:
    data = json.loads(RunRecord(manifest=manifest(), claims=(claim_row(),)).to_json())
    target = {"claims": data["claims"][0], "manifest": data["manifest"], "run": data}[place]
    if change == "unknown":
        target["surprise"] = 1
    else:
        del target["verdict" if place == "claims" else "smoke" if place == "manifest" else "schema_version"]
    with pytest.raises(RecordError, match=r"surprise|verdict|smoke|schema version"):
        RunRecord.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"schema_version": 99}', "null"])
def test_texts_that_are_no_run(text: str) -> None:
    with pytest.raises(RecordError):
        RunRecord.from_json(text)
