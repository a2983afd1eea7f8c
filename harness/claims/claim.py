"""What every claim has, so that one driver decides all of them."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from harness.claims.effects import Effects
from harness.claims.evidence import Evidence
from harness.claims.verdict import Finding


class Statement(Protocol):
    """What can be supported or refuted. The object is its own configuration."""

    @property
    def name(self) -> str:
        """As it is named in `--margin` and in records."""
        ...

    @property
    def statement(self) -> str:
        """The claim in one sentence, its margin included."""
        ...

    @property
    def marker(self) -> str:
        """The family of claims, which is also the pytest marker."""
        ...

    @property
    def margin(self) -> float:
        """What the interval is compared with, declared beforehand."""
        ...


@runtime_checkable
class Claim(Statement, Protocol):
    """A statement about one model under one localizer."""

    def decide(self, evidence: Evidence) -> Finding:
        """The verdict on this evidence."""
        ...


@runtime_checkable
class JointClaim(Statement, Protocol):
    """A statement about several localizers on one model, or several models under one localizer, on the same facts."""

    def decide_jointly(self, evidence: Mapping[str, Evidence]) -> Finding:
        """The verdict on the evidence of each, by name."""
        ...


@runtime_checkable
class MeasuredClaim(Statement, Protocol):
    """A statement about what happens to the facts of one model, under one localizer, when something is done to it."""

    @property
    def reads(self) -> str:
        """The measurement that it takes: `mapping`, `attention` or `editing`."""
        ...

    def decide_measured(self, evidence: Evidence, effects: Effects) -> Finding:
        """The verdict on these localizations and what was measured on the same facts."""
        ...
