from dataclasses import replace
from pathlib import Path

import pytest

from harness.pipeline import Settings


@pytest.mark.parametrize(
    ("field", "value", "declared"),
    [
        ("engine", "ray", True),
        ("ray_address", "node:6379", True),
        ("ray_actors", 2, True),
        ("device", "cuda", True),
        ("batch_size", 4, True),
        ("store", Path("elsewhere"), True),
        ("draws", 100, True),
        ("dtype", "bfloat16", False),
        ("limit", 20, False),
        ("seed", 1, False),
        ("answer", "joint", False),
    ],
)
def test_expected_verdicts_hold_wherever_and_however_fast_a_run_is_made(
    field: str, value: object, declared: bool
) -> None:
    assert replace(Settings(), **{field: value}).as_declared == declared
