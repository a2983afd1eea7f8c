"""Draws a planted world from its recipe. Every purpose has random numbers of its own, so that a parameter changes what
it names and nothing else."""

import hashlib
from functools import cache
from typing import Final

import numpy as np
import scipy.special

from harness.data.facts import Fact, Pattern
from harness.models.organisms.recipe import Recipe
from harness.models.organisms.world import PlantedFact, PlantedNeuron, PlantedRelation, World, words
from harness.neurons import Neuron, NeuronSet

_FORMS: Final = (
    "[X] {r} {p} is [Y]",
    "{r} {p} of [X] is [Y]",
    "the {p} {r} of [X] is [Y]",
    "[X] , {p} by {r} , is [Y]",
    "{p} : [X] whose {r} is [Y]",
    "for [X] the {r} by {p} is [Y]",
    "it is {p} that the {r} of [X] is [Y]",
    "[X] {p} : the {r} is [Y]",
)
"""Shapes of a pattern; paraphrases take turns."""


@cache
def grow(recipe: Recipe) -> World:
    """The world of a recipe: the same one every time."""
    layout = _Layout(recipe)
    relations = tuple(_relation(recipe, number, layout) for number in range(recipe.relations))
    d_ff = layout.fill()
    return World(recipe=recipe, relations=relations, neurons=tuple(layout.neurons), d_ff=d_ff)


class _Layout:
    """Gives every neuron a place that says nothing about it: the next of a shuffled list of all places."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.neurons: list[PlantedNeuron] = []
        self.plan = _Plan(recipe)
        total = self.plan.n_neurons + recipe.distractors
        self._d_ff = -(-total // recipe.layers)
        self._order = generator(recipe, "places").permutation(self._d_ff * recipe.layers)

    def add(
        self,
        n: int,
        *,
        relation: int,
        subject: int | None = None,
        paraphrase: int | None = None,
        fact: int | None = None,
    ) -> NeuronSet:
        """Places `n` neurons that wait for the same."""
        at = [Neuron(*divmod(int(i), self._d_ff)) for i in self._order[len(self.neurons) : len(self.neurons) + n]]
        self.neurons += [
            PlantedNeuron(at=place, subject=subject, relation=relation, paraphrase=paraphrase, fact=fact)
            for place in at
        ]
        return NeuronSet(at)

    def fill(self) -> int:
        """Makes every place that is left a distractor: one that waits for a subject, for a relation or for nothing."""
        rng = generator(self._recipe, "distractors")
        for place in self._order[len(self.neurons) :]:
            kind, subject, relation = rng.integers([3, self._recipe.subjects, self._recipe.relations]).tolist()
            self.neurons.append(
                PlantedNeuron(
                    at=Neuron(*divmod(int(place), self._d_ff)),
                    subject=subject if kind == 0 else None,
                    relation=relation if kind == 1 else None,
                    distractor=True,
                )
            )
        return self._d_ff


class _Plan:
    """How many neurons hold each fact, all relations at once: arrays [relations, facts]."""

    def __init__(self, recipe: Recipe) -> None:
        shape = (recipe.relations, recipe.facts)
        pi = _effects(recipe, "pi", recipe.inconsistent, recipe.inconsistent_spread)
        rho = _effects(recipe, "rho", recipe.overlap, recipe.overlap_spread)
        self.consistent = generator(recipe, "classes").random(shape) >= pi[:, None]
        self.size = generator(recipe, "neurons").integers(*recipe.neurons, size=shape, endpoint=True)
        rounded = np.floor(rho[:, None] * self.size + generator(recipe, "overlap").random(shape)).astype(int)
        self.common = np.where(self.consistent, self.size, np.minimum(rounded, self.size - 1))
        self.own = self.size - self.common
        turn = generator(recipe, "relation neurons").permutation(recipe.relations)
        sharing = turn < round(recipe.sharing_relations * recipe.relations)
        self.shared = np.where(sharing, recipe.relation_neurons, 0)
        self.probability = generator(recipe, "probability").uniform(*recipe.probability, size=shape)
        self.n_neurons = int(self.common.sum() + recipe.paraphrases * self.own.sum() + self.shared.sum())


def _effects(recipe: Recipe, what: str, share: float, spread: float) -> np.ndarray:
    """A share for each relation: its effect is added to the log odds, so 0 and 1 stay what they are."""
    drawn = generator(recipe, what).standard_normal(recipe.relations)
    return scipy.special.expit(scipy.special.logit(share) + spread * drawn)


def _relation(recipe: Recipe, number: int, layout: _Layout) -> PlantedRelation:
    """One relation: which subjects it asks for, what their objects are, and where each fact is held."""
    vocabulary = words(recipe)
    name = vocabulary["relation"][number]
    rng = generator(recipe, f"facts of {name}")
    subjects = np.sort(rng.choice(recipe.subjects, size=recipe.facts, replace=False)).tolist()
    objects = rng.choice(recipe.objects, size=recipe.objects_a_relation, replace=False)
    answers = rng.choice(objects, size=recipe.facts).tolist()
    patterns = tuple(
        Pattern(id=f"{name}:{line}", text=_FORMS[(line - 1) % len(_FORMS)].format(r=name, p=word))
        for line, word in enumerate(vocabulary["paraphrase"], 1)
    )
    shared = layout.add(int(layout.plan.shared[number]), relation=number)
    facts: list[PlantedFact] = []
    for place, (subject, answer) in enumerate(zip(subjects, answers, strict=True)):
        fact = number * recipe.facts + place
        n_common, n_own = int(layout.plan.common[number, place]), int(layout.plan.own[number, place])
        common = layout.add(n_common, relation=number, subject=subject, fact=fact)
        own = tuple(
            layout.add(n_own, relation=number, subject=subject, paraphrase=paraphrase, fact=fact)
            for paraphrase in range(recipe.paraphrases)
        )
        word = vocabulary["subject"][subject]
        facts.append(
            PlantedFact(
                fact=Fact(
                    uid=f"{recipe.name}-{name}-{word}",
                    relation=name,
                    subject=word,
                    object=vocabulary["object"][answer],
                ),
                number=fact,
                subject=subject,
                object=answer,
                consistent=bool(layout.plan.consistent[number, place]),
                common=common,
                own=own,
                probability=float(layout.plan.probability[number, place]),
            )
        )
    return PlantedRelation(
        name=name,
        number=number,
        objects=tuple(sorted(objects.tolist())),
        shared=shared,
        patterns=patterns,
        facts=tuple(facts),
    )


def generator(recipe: Recipe, purpose: str) -> np.random.Generator:
    """Random numbers that depend on the recipe's seed and the purpose alone."""
    key = int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest())
    return np.random.default_rng([recipe.seed, key])
