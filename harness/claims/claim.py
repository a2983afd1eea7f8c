"""What every claim has, so that one driver decides all of them."""

from typing import Protocol, runtime_checkable

from harness.claims.evidence import Evidence
from harness.claims.verdict import Finding


@runtime_checkable
class Claim(Protocol):
    """A statement about a model that evidence can support or refute. The object is its own configuration."""

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

    def decide(self, evidence: Evidence) -> Finding:
        """The verdict on this evidence."""
        ...
