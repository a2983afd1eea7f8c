"""What attention does in a planted world, computed from how the world is made: no weights, no forward pass.

A head of the lowest layer looks from everywhere to the words of one kind, and to all words alike where none of them has
come; heads of higher layers look to the start. What the last position then holds is an
amount of each code: 1, or what scaling the column of its word makes of it. The amounts of the codes that a neuron waits
for drive it, and what neurons write decides the answer.
"""

from collections.abc import Sequence

import numpy as np
import scipy.special

from harness.activations.attention import AttentionSums
from harness.interventions.synapse_effects import ScaledQuery, SynapseEffects
from harness.interventions.synapses import SynapseScaling
from harness.models.loaded import LoadedModel
from harness.models.organisms import weights as planted
from harness.models.organisms.world import World, words
from harness.models.queries import EncodedQuery
from harness.synapses import SynapseSet

KINDS = ("subject", "relation", "paraphrase")
NOTHING = SynapseScaling(synapses=SynapseSet(), factor=1)


class PlantedAttention:
    """Stands for the model where attention is seen and changed."""

    def __init__(self, world: World, architecture: str) -> None:
        self.world = world
        self.gated = architecture == "llama"
        vocabulary = words(world.recipe)
        self.place = {w: (kind, i) for kind, of_kind in vocabulary.items() for i, w in enumerate(of_kind)}
        self.n_words = sum(map(len, vocabulary.values()))
        flat = [n.at.layer * world.d_ff + n.at.index for n in world.neurons]
        neurons = [world.neurons[i] for i in np.argsort(flat)]
        self.waits = np.array([[-1 if (w := getattr(n, kind)) is None else w for kind in KINDS] for n in neurons])
        self.writes = np.zeros((len(neurons), world.recipe.objects))
        self.aside = np.zeros((len(neurons), 8))
        amounts = planted._amounts(world)
        order = np.argsort(np.argsort(flat))
        signs = planted.generator(world.recipe, "signs of distractors").choice([-1.0, 1.0], size=len(flat))
        for number, neuron in enumerate(world.neurons):
            row = order[number]
            if neuron.distractor:
                self.aside[row, number % 8] = signs[number] * planted.DISTRACTION
            elif neuron.fact is not None:
                fact = world.facts[neuron.fact]
                self.writes[row, fact.object] = amounts[neuron.fact] / fact.neurons_a_query
            else:
                relation = world.relations[neuron.relation or 0]
                share = planted.RELATION_LOGIT / planted.LOGIT_PER_CODE / len(relation.shared)
                self.writes[row, list(relation.objects)] = share

    def sums(
        self, _model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None = None
    ) -> list[AttentionSums]:
        """In place of `attention_sums`."""
        return [self._sums(query) for query in queries]

    def _words(self, query: EncodedQuery) -> list[tuple[str, int]]:
        """Kind and number of every word; the start of the text comes first."""
        found = [("special", 0), *(self.place[word] for word in query.prompt.split())]
        assert len(found) == len(query.prompt_ids)
        assert found[-1][0] == "glue"
        return found

    def _sums(self, query: EncodedQuery) -> AttentionSums:
        kinds = [kind for kind, _ in self._words(query)]
        tokens = len(kinds)
        scores = np.zeros((self.world.recipe.layers, len(KINDS), tokens))
        scores[1:, :, 0] = planted.SHARPNESS
        for head, kind in enumerate(KINDS):
            scores[0, head, [found == kind for found in kinds]] = planted.SHARPNESS
        seen = np.where(np.tri(tokens, dtype=bool), scores[:, :, None], -np.inf)
        maps = scipy.special.softmax(seen, axis=-1)
        return AttentionSums(columns=maps.sum(axis=2), rows=maps.sum(axis=3))

    def effects(
        self,
        _model: LoadedModel,
        queries: Sequence[EncodedQuery],
        items: Sequence[ScaledQuery],
        *,
        batch_size: int | None = None,
    ) -> SynapseEffects:
        """In place of `synapse_effects`."""
        before = [self._run(query, NOTHING) for query in queries]
        after = [self._run(queries[item.query], item.scaling) for item in items]
        layers = (self.world.recipe.layers, self.world.d_ff)
        return SynapseEffects(
            query=np.array([item.query for item in items], dtype=np.int64),
            log_p_before=np.array([log_p for log_p, _ in before]),
            log_p_after=np.array([log_p for log_p, _ in after]),
            neurons_before=np.stack([neurons.reshape(layers) for _, neurons in before], axis=1),
            neurons_after=np.stack([neurons.reshape(layers) for _, neurons in after], axis=1),
        )

    def _run(self, query: EncodedQuery, scaling: SynapseScaling) -> tuple[float, np.ndarray]:
        """log p of the answer, and all neurons at the last position."""
        asked = self._words(query)
        scaled = {tuple(synapse) for synapse in scaling.synapses}
        amount = np.zeros(len(KINDS))
        code = np.full(len(KINDS), -2)
        for column, (kind, number) in enumerate(asked):
            if kind in KINDS:
                head = KINDS.index(kind)
                amount[head] = scaling.factor if (column, 0, head) in scaled else 1.0
                code[head] = number
        waited = self.waits >= 0
        there = ((self.waits == code) * amount).sum(axis=1)
        drive = 2 * planted.DRIVE * (there - (waited.sum(axis=1) - 0.5))
        answer = self.answer_number(query)
        objects, aside = np.zeros(self.world.recipe.objects), np.zeros(8)
        neurons = np.zeros(len(drive))
        designed = planted.CONSTANT**2 + len(KINDS)

        def shrink() -> float:
            length = planted.CONSTANT**2 + (amount**2).sum() + (objects**2).sum() + (aside**2).sum()
            return float(np.sqrt(designed / length))

        for layer in range(self.world.recipe.layers):
            here = slice(layer * self.world.d_ff, (layer + 1) * self.world.d_ff)
            neurons[here] = self._activation(drive[here], shrink())
            objects = objects + neurons[here] @ self.writes[here] / planted.DRIVE
            aside = aside + neurons[here] @ self.aside[here] / planted.DRIVE
        logits = planted.LOGIT_PER_CODE * shrink() * objects
        others = self.n_words - len(objects)
        return float(logits[answer] - scipy.special.logsumexp([*logits, *np.zeros(others)])), neurons

    def _activation(self, drive: np.ndarray, shrunk: float) -> np.ndarray:
        x = drive * shrunk
        if self.gated:
            return x * scipy.special.expit(x) * shrunk
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    def answer_number(self, query: EncodedQuery) -> int:
        """Which object the query asks for."""
        number = dict(self._words(query))
        relation = self.world.relations[number["relation"]]
        return next(fact.object for fact in relation.facts if fact.subject == number["subject"])


def controls(_model: LoadedModel, queries: Sequence[EncodedQuery]) -> tuple[np.ndarray, np.ndarray]:
    """In place of the measured controls: doing nothing is nothing, and without attention no answer is known."""
    return np.zeros(len(queries)), np.ones(len(queries))
