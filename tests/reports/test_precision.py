from typing import Any

from harness.records import Manifest, RunRecord
from reports.precision import precision_lines

FOUND = {
    "compared_with": "float32",
    "n_queries": 64,
    "jaccard": 0.9412,
    "identical": 0.453,
    "undefined": 0,
    "threshold": "static:0.1",
    "n_facts": {"bfloat16": 16, "float32": 16},
    "mean_cs2": {"bfloat16": 0.71, "float32": 0.7},
    "share_inconsistent": {"bfloat16": 0.125, "float32": 0.0625},
}


def record(**precision: dict[str, Any]) -> RunRecord:
    told = {"dtype": "bfloat16", **({"precision": precision} if precision else {})}
    manifest = Manifest(
        created="",
        command="",
        versions={},
        platform={},
        models={"m": told},
        data={},
        settings={},
        smoke=None,
        seconds=1.0,
    )
    return RunRecord(manifest=manifest, claims=())


def test_a_line_a_localizer() -> None:
    assert precision_lines(record(ig=FOUND, sig={"reason": "no room"})) == [
        "m ig in bfloat16: knowledge neurons of 64 queries have a Jaccard index of 0.941 with those of float32 on"
        " average, 45% are the same; of 16 facts, CS2 0.710 against 0.700, K_II at static:0.1 12% against 6%",
        "m sig in bfloat16: not compared with float32, because no room",
    ]


def test_what_has_no_value_is_left_out() -> None:
    none = {"bfloat16": 0, "float32": 0}
    (line,) = precision_lines(record(ig={**FOUND, "n_facts": none, "mean_cs2": dict.fromkeys(none)}))
    assert line.endswith("45% are the same")
    (line,) = precision_lines(record(ig={**FOUND, "jaccard": None}))
    assert "no query of the sample has a knowledge neuron" in line


def test_a_run_without_low_precision_has_no_line() -> None:
    assert precision_lines(record()) == []
