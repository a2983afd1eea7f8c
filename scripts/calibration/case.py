"""What is simulated and what is counted: a population of a size, drawn again and again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.claims import Procedure, keyed_generator
from harness.statistics import Interval

BOOTSTRAP_DRAWS: Final = 499
"""Bootstrap draws in every interval; claims take 10,000, which moves an end by little and takes long."""

FEW: Final = Procedure(draws=BOOTSTRAP_DRAWS, permutations=99)

RELATIONS: Final = (8, 12, 24, 36)
FACTS: Final = (10, 30)

COVERS, ABOVE, BELOW = "covers", "lies above", "lies below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Populations of one kind and size.

    Attributes:
        topic: what kind of evidence is drawn: cases of a topic are counted in the same way.
        world: the population in words, one phrase.
        relations: clusters.
        facts: facts a relation.
        events: what came true in the population of a draw, by names that are counted.
    """

    topic: str
    world: str
    relations: int
    facts: int
    events: Callable[[np.random.Generator, Procedure], Iterable[str]]

    @property
    def key(self) -> str:
        """What its results are found by."""
        return key_of(self.topic, self.world, self.relations, self.facts)

    def drawn(self, draw: int) -> list[str]:
        """What came true in this draw; it depends on the case and the number of the draw alone."""
        rng = keyed_generator(draw, "calibration", self.key)
        return list(self.events(rng, replace(FEW, seed=int(rng.integers(2**31)))))


def key_of(topic: str, world: str, relations: int, facts: int) -> str:
    """What the results of a case are found by."""
    return f"{topic} | {world} | {relations} x {facts}"


def held_against(name: str, interval: Interval, truth: float) -> list[str]:
    """Events of an interval: whether it covers the truth or where it lies, and how it was made."""
    where = ABOVE if interval.low > truth else BELOW if interval.high < truth else COVERS
    return [f"{name} {where}", f"{name} made as: {interval.method}"]
