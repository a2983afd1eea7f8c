"""What an editor is asked for: one fact to be erased, or to be given another object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.errors import ConfigError

ERASE: Final = "erase"
UPDATE: Final = "update"
KINDS: Final = (ERASE, UPDATE)

NeuronPairs = tuple[tuple[int, int], ...]
"""Neurons as (layer, index) pairs, for code that does not know our classes; rising and without repetition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """One edit, in words and in token ids; builtins only.

    Attributes:
        kind: `erase` (the model is no longer to answer with the object) or `update` (it is to answer with another).
        fact_uid: of the fact, to seed random numbers with.
        prompt: the query that is edited; the model continues it with a space and the object.
        neighbor_prompts: the fact's other queries, known to the model or not.
        subject: of the fact; occurs in every prompt.
        relation: name of the relation.
        object: what the unmodified model answers.
        new_object: what it is to answer instead; None to erase.
        prompt_ids: token ids of `prompt`, with the special tokens that the tokenizer puts in front.
        neighbor_ids: token ids of each neighbor prompt.
        object_ids: token ids of `object` behind `prompt`; the first is what counts.
        new_object_ids: those of `new_object`; empty to erase.
        neuron_sets: `local` (N_i, of this query), `global` (N_g, the union over all queries of the fact), and others by
            name where they were computed, such as `cas`.
        neighbor_neurons: knowledge neurons of each neighbor query.
    """

    kind: str
    fact_uid: str
    prompt: str
    neighbor_prompts: tuple[str, ...]
    subject: str
    relation: str
    object: str
    new_object: str | None
    prompt_ids: tuple[int, ...]
    neighbor_ids: tuple[tuple[int, ...], ...]
    object_ids: tuple[int, ...]
    new_object_ids: tuple[int, ...]
    neuron_sets: Mapping[str, NeuronPairs] = field(default_factory=dict[str, NeuronPairs])
    neighbor_neurons: tuple[NeuronPairs, ...] = ()

    def __post_init__(self) -> None:
        """Checks that the kind exists and has the objects that it needs.

        Raises:
            ConfigError: an unknown kind, an update without a new object, or an erasure with one.
        """
        if self.kind not in KINDS:
            raise ConfigError(
                f"an edit is one of {', '.join(KINDS)}, not {self.kind!r}", setting="kind", value=self.kind
            )
        wanted = self.kind == UPDATE
        if (self.new_object is not None) is not wanted or bool(self.new_object_ids) is not wanted:
            raise ConfigError(
                f"a new object and its token ids belong to an update, and to it alone; this is {self.kind!r}",
                setting="new_object",
                value=self.new_object,
            )
