"""How every claim reads and judges evidence: what they all share, in one place and checked once."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.claims.controls import Floor, answer_floor
from harness.claims.evidence import Evidence
from harness.claims.gate import Gate, measure_gate
from harness.claims.scoring import FactScores, subset_scores
from harness.errors import ConfigError

_LEAST: Final = {
    "draws": 100,
    "permutations": 99,
    "seed": 0,
    "subset_size": 2,
    "subset_limit": 1,
    "minimum_relations": 2,
}
_EVERY_CLAIM: Final = "every claim"
"""Keys the random numbers of controls, so that all claims about the same evidence read the same floors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """What claims share: how consistency is measured, what must hold before they speak, and what chance is drawn from.

    Attributes:
        draws: bootstrap draws over relations.
        permutations: exchanges of queries for the permutation floor.
        seed: of everything random.
        subset_size: queries a subset; CS2 of a fact is the mean over subsets of its queries of this size.
        subset_limit: at most so many subsets a fact.
        ceiling_bound: lowest retest ceiling that lets a claim speak.
        minimum_relations: with fewer a verdict is INCONCLUSIVE.
    """

    draws: int = 10_000
    permutations: int = 200
    seed: int = 0
    subset_size: int = 4
    subset_limit: int = 16
    ceiling_bound: float = 0.3
    minimum_relations: int = 8

    def __post_init__(self) -> None:
        """Raises ConfigError at the first setting out of its range."""
        check_share("ceiling_bound", self.ceiling_bound)
        for setting, least in _LEAST.items():
            check_at_least(setting, getattr(self, setting), least)

    def generator(self, claim: str, purpose: str) -> np.random.Generator:
        """Random numbers that depend on the seed, the claim and the purpose alone."""
        return keyed_generator(self.seed, claim, purpose)

    def gate(self, evidence: Evidence, claim: str) -> Gate:
        """The retest ceiling and the permutation floor, measured; every claim about the same evidence has the same.

        Raises:
            ConfigError: the evidence holds no retest, so low consistency cannot be told from a bad localizer.
        """
        return measure_gate(
            evidence,
            claim=claim,
            size=self.subset_size,
            permutations=self.permutations,
            ceiling_bound=self.ceiling_bound,
            rng=self.generator(_EVERY_CLAIM, "floor"),
        )

    def answer_floor(self, evidence: Evidence) -> Floor | None:
        """The floor of facts with different objects, the same for every claim; None if there is none."""
        return answer_floor(evidence, self.subset_size, self.permutations, rng=self.generator(_EVERY_CLAIM, "answers"))

    def scores(self, evidence: Evidence, claim: str) -> FactScores:
        """CS1 and CS2 of the facts that have enough queries."""
        return subset_scores(evidence, self.subset_size, self.subset_limit, rng=self.generator(claim, "subsets"))

    def too_few(self, relations: int) -> str | None:
        """Why so few relations carry no verdict; None if there are enough."""
        if relations >= self.minimum_relations:
            return None
        return f"Fewer than {self.minimum_relations} relations carry no verdict; give more relations."


def check_share(setting: str, value: float) -> None:
    """Raises ConfigError unless the value lies strictly between 0 and 1; `setting` names it in the error."""
    if not 0.0 < value < 1.0:
        raise ConfigError(
            f"{setting} was set to {value}; it must lie strictly between 0 and 1", setting=setting, value=value
        )


def check_at_least(setting: str, value: int, least: int) -> None:
    """Raises ConfigError if the value is below the least that makes sense; `setting` names it in the error."""
    if value < least:
        raise ConfigError(f"{setting} was set to {value}; it must be at least {least}", setting=setting, value=value)


def keyed_generator(seed: int, claim: str, purpose: str) -> np.random.Generator:
    """Random numbers that depend on the seed, the claim and the purpose alone.

    So adding a claim, or one more random step in a claim, changes no other number.
    """
    digest = hashlib.sha256(f"{claim}\n{purpose}".encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))
