"""A planted world: its facts, and for every query the neurons that hold the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from harness.data.facts import Dataset, Fact, Pattern, Relation
from harness.models.organisms.recipe import Recipe
from harness.neurons import Neuron, NeuronSet

START: Final = "<s>"
END: Final = "</s>"
UNKNOWN: Final = "<unk>"
SPACES: Final = ("\n", " ", "\t")
GLUE: Final = ("is", "of", "the", "by", "for", ",", ":", "it", "that", "whose")
"""Words that carry nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedNeuron:
    """A neuron, and what it takes for it to fire: every code that is named here.

    Attributes:
        at: where it is.
        subject: number of the subject that it waits for, if it waits for one.
        relation: number of the relation, likewise.
        paraphrase: number of the paraphrase, likewise.
        fact: number of the fact whose object it writes; None for one that all facts of its relation share, which writes
            all objects of the relation, and for a distractor.
        distractor: whether it writes where nothing is read.
    """

    at: Neuron
    subject: int | None = None
    relation: int | None = None
    paraphrase: int | None = None
    fact: int | None = None
    distractor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedFact:
    """A fact and where it is held.

    Attributes:
        fact: as it is asked for.
        number: among all facts of the world.
        subject: number of its subject.
        object: number of its object.
        consistent: whether it was planted so: the same neurons whatever the paraphrase.
        common: neurons of all its paraphrases, without those that the relation shares.
        own: neurons of one paraphrase alone, one set a paraphrase; empty sets for a consistent fact.
        probability: the p(answer) that is aimed at.
    """

    fact: Fact
    number: int
    subject: int
    object: int
    consistent: bool
    common: NeuronSet
    own: tuple[NeuronSet, ...]
    probability: float

    @property
    def neurons_a_query(self) -> int:
        """Neurons of the fact for one query."""
        return len(self.common) + len(self.own[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedRelation:
    """A relation with its facts.

    Attributes:
        name: also the word that names it in its patterns.
        number: among all relations of the world.
        objects: numbers of the objects that are answers here.
        shared: neurons of all its queries.
        patterns: one a paraphrase.
        facts: its facts.
    """

    name: str
    number: int
    objects: tuple[int, ...]
    shared: NeuronSet
    patterns: tuple[Pattern, ...]
    facts: tuple[PlantedFact, ...]


@dataclass(frozen=True, kw_only=True)
class World:
    """Facts and the neurons that hold them: the truth about a planted model, whatever its architecture.

    Attributes:
        recipe: what it follows from.
        relations: in the order of their names.
        neurons: every neuron of the model.
        d_ff: neurons a layer.
    """

    recipe: Recipe
    relations: tuple[PlantedRelation, ...]
    neurons: tuple[PlantedNeuron, ...]
    d_ff: int

    @cached_property
    def facts(self) -> tuple[PlantedFact, ...]:
        """Every fact, by its number."""
        return tuple(fact for relation in self.relations for fact in relation.facts)

    @cached_property
    def dataset(self) -> Dataset:
        """The facts as any other facts are asked for."""
        relations = tuple(
            Relation(name=r.name, facts=tuple(f.fact for f in r.facts), patterns=r.patterns) for r in self.relations
        )
        return Dataset(
            name=self.recipe.name, relations=relations, n_patterns=sum(len(r.patterns) for r in self.relations)
        )

    @cached_property
    def truth(self) -> Mapping[tuple[str, str], NeuronSet]:
        """(fact uid, pattern id) -> the neurons that hold the answer to this query: the fact's and its relation's."""
        return {
            (fact.fact.uid, pattern.id): NeuronSet(relation.shared | fact.common | own)
            for relation in self.relations
            for fact in relation.facts
            for pattern, own in zip(relation.patterns, fact.own, strict=True)
        }

    def cs2(self, queries: int) -> dict[str, float]:
        """Fact uid -> CS2 (Eq. 1) of any `queries` of its queries, two or more, by construction.

        With c neurons that all queries have (the relation's included) and o that each has for itself, the union holds
        c + o * queries, of which c are in more than one set.
        """
        scores: dict[str, float] = {}
        for relation in self.relations:
            for fact in relation.facts:
                common = len(relation.shared) + len(fact.common)
                scores[fact.fact.uid] = common / (common + queries * len(fact.own[0]))
        return scores

    def inconsistent_share(self, cut: float, queries: int = 4) -> float:
        """The realised share of K_II: facts whose CS2 over that many queries lies at or below the cut."""
        scores = self.cs2(queries).values()
        return sum(score <= cut for score in scores) / len(scores)


def words(recipe: Recipe) -> dict[str, list[str]]:
    """Every word of the world, by what it is; their order is that of the token ids."""

    def numbered(letter: str, n: int) -> list[str]:
        width = len(str(n - 1))
        return [f"{letter}{i:0{width}d}" for i in range(n)]

    return {
        "special": [START, END, UNKNOWN],
        "space": list(SPACES),
        "glue": list(GLUE),
        "subject": numbered("s", recipe.subjects),
        "relation": numbered("r", recipe.relations),
        "paraphrase": numbered("p", recipe.paraphrases),
        "object": numbered("o", recipe.objects),
    }
