"""What a claim says in the end: a verdict, its reason, and the numbers behind it."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from harness.errors import RecordError


class Verdict(StrEnum):
    """What the evidence says about a claim."""

    SUPPORTED = "SUPPORTED"
    """The interval lies wholly on the claimed side of the margin."""
    REFUTED = "REFUTED"
    """The interval lies wholly on the other side of the margin."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """Neither; the reason names the smallest effect that could have been seen."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """A prerequisite is missing; the reason says what to do."""
    VOID = "VOID"
    """A control failed, so the evidence says nothing either way; the reason names the control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A check that must hold before a claim says anything.

    Attributes:
        name: as it is named in the reason.
        passed: whether it holds.
        value: what was measured; None if nothing could be.
        bound: what the value was compared with.
        explanation: what a failure means, one sentence.
    """

    name: str
    passed: bool
    value: float | None
    bound: float | None
    explanation: str

    def as_record(self) -> dict[str, object]:
        """The control with builtin types only."""
        return {
            "name": self.name,
            "passed": self.passed,
            "value": self.value,
            "bound": self.bound,
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict with its reason and numbers; builtin types only, None for a number that does not exist.

    Attributes:
        verdict: what the evidence says.
        reason: one or two plain sentences: what was estimated, its interval, the margin, and what to do next.
        estimate: the estimand's value.
        ci_low: lower end of the 95 % interval.
        ci_high: upper end of the 95 % interval.
        margin: the declared value that the interval is compared with.
        p_value: one-sided, against the margin.
        n_facts: facts that the estimate counts.
        n_queries: their queries.
        n_relations: their relations: the clusters.
        n_unscored: queries that got no row at all.
        paper_value: what the paper prints for the estimate, if it is compared.
        extras: everything else that a reader needs; numbers, words, None, or lists and dicts of them.
    """

    verdict: Verdict
    reason: str
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    margin: float | None = None
    p_value: float | None = None
    n_facts: int = 0
    n_queries: int = 0
    n_relations: int = 0
    n_unscored: int = 0
    paper_value: float | None = None
    extras: dict[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        """Raises RecordError at the first number that is no finite builtin."""
        for name in ("estimate", "ci_low", "ci_high", "margin", "p_value", "paper_value"):
            _check(getattr(self, name), name)
        for name in ("n_facts", "n_queries", "n_relations", "n_unscored"):
            if type(getattr(self, name)) is not int:
                raise RecordError(f"{name} must be an int, got {getattr(self, name)!r}", field=name)
        _check(self.extras, "extras")


def number(value: float | np.floating | None) -> float | None:
    """A builtin float, or None for what is not a finite number."""
    return None if value is None or not math.isfinite(value) else float(value)


def _check(value: object, where: str) -> None:
    """Raises RecordError unless `value` is None, a finite builtin, or a list or str-keyed dict of such."""
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise RecordError(f"{where} has the key {key!r}, keys are strings", field=where)
            _check(item, f"{where}.{key}")
    elif type(value) is list:
        for i, item in enumerate(value):
            _check(item, f"{where}[{i}]")
    elif type(value) is float:
        if not math.isfinite(value):
            raise RecordError(f"{where} is {value}; write None for a number that does not exist", field=where)
    elif value is not None and type(value) not in (bool, int, str):
        raise RecordError(f"{where} holds {type(value).__name__} {value!r}; records hold builtins only", field=where)
