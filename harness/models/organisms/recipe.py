"""What a planted world is made of: everything that its facts, its neurons and its weights follow from."""

from dataclasses import dataclass
from typing import Final

from harness.errors import ConfigError, near_matches

FEWEST_PARAPHRASES: Final = 4
"""Consistency is compared on subsets of four queries."""

_LEAST: Final = {
    **{"seed": 0, "relations": 1, "facts": 1, "paraphrases": FEWEST_PARAPHRASES, "subjects": 1, "objects": 2},
    **{"objects_a_relation": 1, "relation_neurons": 1, "distractors": 0, "layers": 1},
}
_SHARES: Final = ("inconsistent", "overlap", "sharing_relations")
_SIZES: Final = ("inconsistent_spread", "overlap_spread", "noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Parameters of a planted world and of the models that hold it.

    Attributes:
        name: what its facts are called in records, and the beginning of their uids.
        seed: of everything drawn.
        relations: number of relations.
        facts: facts a relation.
        paraphrases: patterns a relation, so queries a fact.
        subjects: subjects that there are; a relation asks for `facts` of them, so one subject has many facts.
        objects: objects that there are.
        objects_a_relation: how many of them are answers in one relation; with fewer than facts, facts share answers.
        inconsistent: probability that a fact is planted inconsistent (pi).
        inconsistent_spread: standard deviation of a relation's effect on pi, in log odds; none where pi is 0 or 1.
        overlap: share of an inconsistent fact's neurons that all its paraphrases have (rho); never all of them.
        overlap_spread: standard deviation of a relation's effect on rho, in log odds; none where rho is 0 or 1.
        neurons: fewest and most neurons that hold a fact for one query.
        sharing_relations: share of the relations in which all facts share neurons, rounded to whole relations.
        relation_neurons: how many they share.
        distractors: least number of neurons that are active but write where nothing is read.
        probability: lowest and highest p(answer) that is aimed at.
        layers: transformer blocks, all of which hold planted neurons.
        noise: standard deviation of what is added to every weight, relative to the root mean square of its matrix.

    Raises:
        ConfigError: a parameter out of its range, or two that contradict each other.
    """

    name: str
    seed: int = 0
    relations: int = 12
    facts: int = 20
    paraphrases: int = 8
    subjects: int = 30
    objects: int = 30
    objects_a_relation: int = 6
    inconsistent: float = 0.5
    inconsistent_spread: float = 0.3
    overlap: float = 0.1
    overlap_spread: float = 0.3
    neurons: tuple[int, int] = (2, 3)
    sharing_relations: float = 0.25
    relation_neurons: int = 1
    distractors: int = 64
    probability: tuple[float, float] = (0.6, 0.9)
    layers: int = 2
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Checks ranges, and that the words suffice."""
        for setting, least in _LEAST.items():
            self._check(setting, getattr(self, setting) >= least, f"at least {least}")
        for setting in _SHARES:
            self._check(setting, 0 <= getattr(self, setting) <= 1, "a share, from 0 to 1")
        for setting in _SIZES:
            self._check(setting, 0 <= getattr(self, setting) < float("inf"), "0 or more")
        self._check("neurons", 1 <= self.neurons[0] <= self.neurons[1], "fewest and most, 1 or more, rising")
        self._check(
            "probability",
            0.5 < self.probability[0] <= self.probability[1] < 0.95,
            "lowest and highest, rising, above 0.5 and below 0.95: where p(answer) saturates, gradients vanish",
        )
        self._check("subjects", self.subjects >= self.facts, f"at least the {self.facts} facts of a relation")
        self._check(
            "objects", self.objects >= self.objects_a_relation, f"at least the {self.objects_a_relation} of a relation"
        )

    def _check(self, setting: str, ok: bool, expected: str) -> None:
        if not ok:
            value = getattr(self, setting)
            raise ConfigError(
                f"{setting} of a planted world was set to {value}; it must be {expected}", setting=setting, value=value
            )


ARCHITECTURES: Final = ("gpt2", "llama")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A planted model: a world, and the architecture that holds it.

    Attributes:
        recipe: the world.
        architecture: `gpt2` or `llama`.

    Raises:
        ConfigError: an architecture that nothing builds.
    """

    recipe: Recipe
    architecture: str

    def __post_init__(self) -> None:
        """Checks the architecture."""
        if self.architecture not in ARCHITECTURES:
            raise ConfigError(
                f"no planted model of architecture {self.architecture!r}."
                f" {near_matches(self.architecture, ARCHITECTURES)}",
                setting="architecture",
                value=self.architecture,
            )
