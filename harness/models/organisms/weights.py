"""The weights of a planted model in terms of its stream, before an architecture writes them down its own way.

Lengths are known beforehand: a word is CONSTANT long in the constant's direction, 1 in that of its code and 1 in that
of its mark, and a head gives to the last position a code of length 1. So every norm's factor sqrt(width) / |x| is a
number, and weights divide by it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from harness.models.organisms.growing import generator
from harness.models.organisms.stream import CARRIED, HEADS, Stream, make_stream
from harness.models.organisms.world import PlantedNeuron, World, words

CONSTANT: Final = 5.0
"""Length of the constant: so long that whatever else is written changes |x| by little."""

SHARPNESS: Final = 14.0
"""Attention score of the word that a head looks for; every other word has 0."""

DRIVE: Final = 10.0
"""What goes into the activation of a neuron that fires; with one code too few it is the negative of it."""

LOGIT_PER_CODE: Final = 6.0
"""Logit of an object whose code the last position holds in length 1."""

RELATION_LOGIT: Final = 2.0
"""What the neurons of a relation add together to the logit of each of its objects."""


DISTRACTION: Final = 0.25
"""Length of what a distractor that fires writes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """An attention head: score(last, word) = (query . x_last) (key . x_word), value = output (read . x_word).

    Attributes:
        query: applied to the normed stream where it looks from.
        key: applied to the normed stream where it looks to.
        read: what of a word it takes.
        output: where it puts it.
    """

    query: Float[np.ndarray, " d_model"]
    key: Float[np.ndarray, " d_model"]
    read: Float[np.ndarray, "codes d_model"]
    output: Float[np.ndarray, "codes d_model"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """Everything that is not zero or one.

    Attributes:
        embedding: of every token; also the vocabulary projection.
        heads: of each layer. Those of the lowest layer carry words to the last position, the others rest on the start.
        gate: what a neuron's activation function is applied to, from the normed stream.
        strength: what a neuron's activation is multiplied with where the architecture has a gate: 1 on any position.
        write: what a neuron adds to the stream for each unit of its activation.
        final_scale: of the last norm; 0 but where objects are written, so that nothing else is ever said.
    """

    embedding: Float[np.ndarray, "vocab d_model"]
    heads: tuple[tuple[Head, ...], ...]
    gate: Float[np.ndarray, "layers d_ff d_model"]
    strength: Float[np.ndarray, " d_model"]
    write: Float[np.ndarray, "layers d_ff d_model"]
    final_scale: Float[np.ndarray, " d_model"]


def compute_weights(world: World) -> Weights:
    """The weights that hold a world."""
    stream = make_stream(world.recipe)
    factor = _factor(stream, len(CARRIED))
    gate, write = _neurons(world, stream)
    carrying = tuple(_carrying_head(stream, kind) for kind in range(len(CARRIED)))
    resting = (_resting_head(stream),) * HEADS
    return Weights(
        embedding=_embedding(world, stream),
        heads=(carrying, *[resting] * (world.recipe.layers - 1)),
        gate=gate,
        strength=stream.constant[0] / (CONSTANT * factor),
        write=write,
        final_scale=np.where((stream.object != 0).any(axis=0), LOGIT_PER_CODE / factor, 0.0),
    )


def _factor(stream: Stream, codes: float) -> float:
    """What a norm multiplies with where the stream holds the constant and something of that squared length."""
    return float(np.sqrt(stream.width / (CONSTANT**2 + codes)))


def _embedding(world: World, stream: Stream) -> Float[np.ndarray, "vocab d_model"]:
    """Every word carries the constant; what tells something also its code and its mark; an object its code."""
    vocabulary = words(world.recipe)
    rows: list[np.ndarray] = []
    for kind, of_kind in vocabulary.items():
        codes = np.zeros((len(of_kind), stream.width))
        if kind in CARRIED:
            codes += getattr(stream, kind) + stream.mark[CARRIED.index(kind)]
        elif kind == "object":
            codes += stream.object
        rows.append(codes)
    embedding = np.concatenate(rows) + CONSTANT * stream.constant
    embedding[0] += stream.mark[-1]  # the start of a text, where heads rest
    return embedding


def _carrying_head(stream: Stream, kind: int) -> Head:
    """Looks from anywhere to the words of one kind, and brings their code in length 1."""
    codes = getattr(stream, CARRIED[kind])
    here, there = _factor(stream, 0), _factor(stream, 2)
    return Head(
        query=stream.constant[0] * SHARPNESS / (CONSTANT * here),
        key=stream.mark[kind] / there,
        read=codes / there,
        output=codes,
    )


def _resting_head(stream: Stream) -> Head:
    """Looks to the start of the text and brings nothing."""
    return Head(
        query=stream.constant[0] * SHARPNESS / (CONSTANT * _factor(stream, len(CARRIED))),
        key=stream.mark[-1] / _factor(stream, 1),
        read=np.zeros((0, stream.width)),
        output=np.zeros((0, stream.width)),
    )


def _neurons(
    world: World, stream: Stream
) -> tuple[Float[np.ndarray, "layers d_ff d_model"], Float[np.ndarray, "layers d_ff d_model"]]:
    """Gate and output of every neuron.

    A neuron that waits for n codes is driven by (codes that are there) - (n - 1/2), in units of 2 * DRIVE.
    """
    shape = (world.recipe.layers, world.d_ff, stream.width)
    gate, write = np.zeros(shape), np.zeros(shape)
    amounts = _amounts(world)
    unit = 2 * DRIVE / _factor(stream, len(CARRIED))
    signs = generator(world.recipe, "signs of distractors").choice([-1.0, 1.0], size=len(world.neurons))
    for number, neuron in enumerate(world.neurons):
        waits_for = [getattr(stream, kind)[code] for kind in CARRIED if (code := getattr(neuron, kind)) is not None]
        threshold = (len(waits_for) - 0.5) / CONSTANT
        gate[neuron.at] = unit * (np.sum(waits_for, axis=0) - threshold * stream.constant[0])
        if neuron.distractor:
            written = signs[number] * DISTRACTION * stream.idle[number % len(stream.idle)]
        else:
            written = _written(neuron, world, stream, amounts)
        write[neuron.at] = written / DRIVE
    return gate, write


def _written(
    neuron: PlantedNeuron, world: World, stream: Stream, amounts: Float[np.ndarray, " facts"]
) -> Float[np.ndarray, " d_model"]:
    """What a neuron that holds a fact, or something of all facts of a relation, adds to the stream when it fires."""
    if neuron.fact is not None:
        fact = world.facts[neuron.fact]
        return stream.object[fact.object] * amounts[neuron.fact] / fact.neurons_a_query
    assert neuron.relation is not None
    relation = world.relations[neuron.relation]
    objects = stream.object[list(relation.objects)].sum(axis=0)
    return objects * RELATION_LOGIT / LOGIT_PER_CODE / len(relation.shared)


def _amounts(world: World) -> Float[np.ndarray, " facts"]:
    """Length of the object's code that each fact's neurons write together, so that p(answer) is what is aimed at.

    With length a + h in the answer's direction and h in that of each of the relation's n objects, written by the
    relation's neurons, the answer's logit is g (a + h), that of the others g h, and that of all other words 0, with

        g = LOGIT_PER_CODE sqrt((C^2 + 3) / (C^2 + 3 + D + (a + h)^2 + (n - 1) h^2)),

    D the squared length of what distractors write on average (their signs are random, so squares add).

    The answer's log odds rise with a, so a is found by halving.
    """
    n_words = sum(map(len, words(world.recipe).values()))
    of_fact = [relation for relation in world.relations for _ in relation.facts]
    n = np.array([len(relation.objects) for relation in of_fact], dtype=float)
    h = np.array([RELATION_LOGIT / LOGIT_PER_CODE if relation.shared else 0.0 for relation in of_fact])
    p = np.array([fact.probability for fact in world.facts])
    norm, distraction = CONSTANT**2 + len(CARRIED), DISTRACTION**2 * _active_distractors(world)
    low, high = np.zeros_like(p), np.full_like(p, CONSTANT)
    for _ in range(60):
        a = (low + high) / 2
        g = LOGIT_PER_CODE * np.sqrt(norm / (norm + distraction + (a + h) ** 2 + (n - 1) * h**2))
        log_odds = g * (a + h) - np.log((n - 1) * np.exp(g * h) + n_words - n)
        too_low = log_odds < np.log(p / (1 - p))
        low, high = np.where(too_low, a, low), np.where(too_low, high, a)
    return (low + high) / 2


def _active_distractors(world: World) -> float:
    """How many distractors fire on average."""
    recipe = world.recipe
    return sum(
        (1 if n.subject is None else 1 / recipe.subjects) * (1 if n.relation is None else 1 / recipe.relations)
        for n in world.neurons
        if n.distractor
    )
