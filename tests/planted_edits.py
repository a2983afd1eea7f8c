"""What edits do in a planted world, computed from how the world is made: no model, no hook, no measurement.

Only the last position matters: attention carries words there before any neuron has written, and higher heads bring
nothing. So an answer is a walk through the layers of one position: which codes are there, which neurons they drive,
what those write, what the norm makes of it. A neuron that lacks a code is silent here: GELU of -10 is 0, SiLU's -0.0005
moves nothing. An erased neuron writes nothing; an updated one writes 2 (E(o') - E(o)) more for each unit of its
activation, and the constants of the two embeddings cancel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
import torch
from torch import Tensor

from harness.editing import ERASE, EditCase
from harness.models.organisms import weights as planted
from harness.models.organisms.world import World
from tests.planted_attention import KINDS, PlantedAttention

LAMBDA = 2.0
STEPS = 20
Asked = tuple[int, int, int]
"""Subject, relation and paraphrase of a prompt."""


@dataclass(frozen=True)
class Scores:
    """What one edit comes to: Eq. 23 to 25 and their mean, and p(target) behind the edited query."""

    rel: float
    gen: float
    loc: float
    avg: float
    probability: float


class PlantedEdits:
    """A planted model's last position, in the coordinates that it was planted in."""

    def __init__(self, world: World, architecture: str) -> None:
        made = PlantedAttention(world, architecture)
        self.world, self.gated, self.n_words = world, made.gated, made.n_words
        self.objects = world.recipe.objects
        self._object = {word: n for word, (kind, n) in made.place.items() if kind == "object"}
        self._waits = made.waits
        #: What every neuron writes for each unit of activation: amounts of objects, then of what nobody reads.
        self.writes = torch.from_numpy(np.concatenate([made.writes, made.aside], axis=1) / planted.DRIVE)
        #: At what share of all prompts each neuron fires.
        sizes = (world.recipe.subjects, world.recipe.relations, world.recipe.paraphrases)
        self.breadth = np.where(self._waits >= 0, 1 / np.array(sizes), 1.0).prod(axis=1)
        self._driven: dict[Asked, Tensor] = {}
        self._numbers = {word: (KINDS.index(kind), n) for word, (kind, n) in made.place.items() if kind in KINDS}

    def asked(self, prompt: str) -> Asked:
        """Which codes a prompt brings to its last position."""
        found = dict(self._numbers[word] for word in prompt.split() if word in self._numbers)
        return found[0], found[1], found[2]

    def answer_of(self, asked: Asked) -> int:
        """The object that was planted for the subject in the relation."""
        return next(f.object for f in self.world.relations[asked[1]].facts if f.subject == asked[0])

    def drive(self, asked: Asked) -> Tensor:
        """Of every neuron: 10 where all codes are there that it waits for, -10 or below where one is not."""
        if asked not in self._driven:
            there = (self._waits == np.array(asked)).sum(axis=1)
            drive = 2 * planted.DRIVE * (there - ((self._waits >= 0).sum(axis=1) - 0.5))
            self._driven[asked] = torch.from_numpy(drive)
        return self._driven[asked]

    def _firing(self, prompts: Sequence[Asked]) -> tuple[Tensor, list[Tensor]]:
        """[prompts, neurons] drive, and by layer the numbers of the neurons that fire at any of the prompts."""
        drive = torch.stack([self.drive(asked) for asked in prompts])
        firing = torch.nonzero((drive > 0).any(dim=0)).flatten()
        layers = range(self.world.recipe.layers)
        return drive, [firing[firing // self.world.d_ff == layer] for layer in layers]

    def activations(self, drive: Tensor, written: Tensor) -> Tensor:
        """Where a position holds the three codes and what was written below; drive and result have the same shape."""
        shrunk = self._shrunk(written)[:, None]
        x = drive * shrunk
        if self.gated:
            return x * torch.sigmoid(x) * shrunk
        return 0.5 * x * (1 + torch.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))

    def _shrunk(self, written: Tensor) -> Tensor:
        """What the norm takes away, against a position that holds nothing but the constant and the codes."""
        designed = planted.CONSTANT**2 + len(KINDS)
        return (designed / (designed + (written**2).sum(dim=1))).sqrt()

    def log_p(self, written: Tensor) -> Tensor:
        """[prompts, objects + 1] of every object, and of any one of all other words, whose logits are 0."""
        logits = planted.LOGIT_PER_CODE * self._shrunk(written)[:, None] * written[:, : self.objects]
        others = torch.zeros(len(logits), self.n_words - self.objects, dtype=logits.dtype)
        return torch.cat([logits, others], dim=1).log_softmax(dim=1)[:, : self.objects + 1]

    def run(self, prompts: Sequence[Asked], change: Mapping[int, Tensor] | None = None) -> Tensor:
        """`log_p` after the prompts; `change` is what neurons, by number, write more than they were planted to."""
        drive, firing = self._firing(prompts)
        written = torch.zeros(len(prompts), self.writes.shape[1], dtype=torch.float64)
        for here in firing:
            writes = self.writes[here]
            for place, neuron in enumerate(here.tolist()):
                if change is not None and neuron in change:
                    writes[place] += change[neuron]
            written = written + self.activations(drive[:, here], written) @ writes
        return self.log_p(written)

    def scores_of(self, prompts: Sequence[Asked], answer: int) -> Tensor:
        """[prompts, neurons] integrated gradients of p(answer): Eq. 10, every layer an integral, right sums of 20."""
        drive, firing = self._firing(prompts)
        alpha = (torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS).repeat_interleave(len(prompts))[:, None]
        below = torch.zeros(len(prompts), self.writes.shape[1], dtype=torch.float64)
        found = torch.zeros_like(drive)
        for layer, here in enumerate(firing):
            unmodified = self.activations(drive[:, here], below)
            added = unmodified @ self.writes[here]
            state = (below.repeat(STEPS, 1) + alpha * added.repeat(STEPS, 1)).requires_grad_()
            written = state
            for higher in firing[layer + 1 :]:
                above = self.activations(drive[:, higher].repeat(STEPS, 1), written)
                written = written + above @ self.writes[higher]
            (slope,) = torch.autograd.grad(self.log_p(written)[:, answer].exp().sum(), state)
            mean = slope.view(STEPS, len(prompts), -1).mean(dim=0)
            found[:, here] = unmodified * (mean @ self.writes[here].T)
            below = below + added
        return found

    def consistency_aware(self, maps: Tensor, beta: tuple[float, float] = (0.7, 0.3)) -> Tensor:
        """Eq. 7 of every neuron."""
        return beta[0] * maps.mean(dim=0) - beta[1] * maps.std(dim=0, correction=0)

    def change(self, kind: str, neurons: Sequence[int], old: str, new: str | None) -> dict[int, Tensor]:
        """Eq. 2: what the neurons write more than before."""
        if kind == ERASE:
            return {neuron: -self.writes[neuron] for neuron in neurons}
        step = torch.zeros(self.writes.shape[1], dtype=torch.float64)
        assert new is not None
        step[self._object[new]] += LAMBDA
        step[self._object[old]] -= LAMBDA
        return dict.fromkeys(neurons, step)

    def score(self, case: EditCase, neurons: Sequence[int], prompt_of: Mapping[tuple[int, ...], Asked]) -> Scores:
        """The metrics of editing these neurons; `prompt_of` tells what token ids ask."""
        request = case.request
        target = self._object[request.object if request.new_object is None else request.new_object]
        ids = [request.prompt_ids, *(prompt for prompt, _ in case.neighbors), *case.other, *case.same]
        asked = [prompt_of[one] for one in ids]
        log_p = self.run(asked, self.change(request.kind, neurons, request.object, request.new_object))
        top = [int(row.argmax()) if float(row.max() - row[-1]) > 0 else None for row in log_p]
        own = len(case.neighbors) + 1
        hits = [float(one == target) for one in top[:own]]
        if request.kind == ERASE:
            hits = [1 - hit for hit in hits]
        kept = [float(one == self.answer_of(query)) for one, query in zip(top[own:], asked[own:], strict=True)]
        rel, gen, loc = hits[0], float(np.mean(hits[1:])), float(np.mean(kept))
        return Scores(rel, gen, loc, (rel + gen + loc) / 3, float(log_p[0, target].exp()))

    def perplexity(self) -> float:
        """Of any text without a fact's words: whatever fires writes where nothing is read, so all words are alike."""
        nobody = (-2, -2, -2)
        log_p = self.run([nobody])[0]
        assert float(log_p.max() - log_p.min()) < 1e-3
        return float(np.exp(-scipy.special.logsumexp(log_p.numpy()) + np.log(self.objects + 1)))
