"""The planted models that come with the project, by the name that `--model` takes."""

from collections.abc import Mapping
from typing import Final

from harness.models.organisms.growing import grow
from harness.models.organisms.recipe import Planted, Recipe
from harness.models.organisms.world import World

TWO_KINDS: Final = Recipe(
    name="planted-two-kinds",
    seed=1,
    relations=14,
    facts=16,
    subjects=24,
    inconsistent=0.75,
    overlap=0.06,
    sharing_relations=0.1,
)
"""Three quarters of the facts are inconsistent; among them CS2 takes values on both sides of 0.1."""

HOMOGENEOUS: Final = Recipe(
    name="planted-one-kind",
    seed=1,
    relations=14,
    facts=10,
    subjects=16,
    inconsistent=1.0,
    overlap=0.45,
    overlap_spread=0.1,
    neurons=(3, 5),
    sharing_relations=0.0,
)
"""Every fact is held in the same way, half by neurons that all paraphrases share: CS2 has one mode."""

CONSISTENT: Final = Recipe(name="planted-consistent", relations=14, facts=10, subjects=16, inconsistent=0.0)
"""Every fact is held by the same neurons whatever the paraphrase."""

PLANTED: Final[Mapping[str, Planted]] = {
    "planted-gpt2": Planted(recipe=TWO_KINDS, architecture="gpt2"),
    "planted-llama": Planted(recipe=TWO_KINDS, architecture="llama"),
    "planted-homogeneous": Planted(recipe=HOMOGENEOUS, architecture="llama"),
    "planted-consistent": Planted(recipe=CONSISTENT, architecture="gpt2"),
}


def world_of(name: str) -> World:
    """The truth about a planted model: its facts, and for every query the neurons that hold the answer."""
    return grow(PLANTED[name].recipe)
