import numpy as np
import pytest

from harness.claims import Control, Finding, Verdict, number
from harness.errors import RecordError


def test_a_verdict_is_its_word():
    assert f"{Verdict.NOT_APPLICABLE}" == "NOT_APPLICABLE"
    assert Verdict("VOID") is Verdict.VOID


def test_nested_builtins_are_fine():
    extras = {"a": [1, 0.5, None, "x", True], "b": {"c": {"d": []}}}
    assert Finding(verdict=Verdict.VOID, reason="", extras=extras).extras is extras


@pytest.mark.parametrize(
    ("extras", "where"),
    [
        ({"a": np.float64(0.5)}, r"extras\.a"),
        ({"a": [1, {"b": np.int64(3)}]}, r"extras\.a\[1\]\.b"),
        ({"a": float("nan")}, "None for a number"),
        ({"a": (1, 2)}, "tuple"),
        ({"a": {1: 2}}, "keys are strings"),
    ],
)
def test_what_a_record_cannot_hold_is_named(extras, where):
    with pytest.raises(RecordError, match=where):
        Finding(verdict=Verdict.SUPPORTED, reason="", extras=extras)


def test_numbers_are_builtins():
    with pytest.raises(RecordError, match="estimate"):
        Finding(verdict=Verdict.SUPPORTED, reason="", estimate=np.float64(0.5))
    assert type(number(np.float64(0.5))) is float
    assert number(float("nan")) is number(float("-inf")) is number(None) is None


def test_a_control_is_recorded_whole():
    control = Control(name="n", passed=True, value=0.5, bound=None, explanation="e")
    assert control.as_record() == {"name": "n", "passed": True, "value": 0.5, "bound": None, "explanation": "e"}
