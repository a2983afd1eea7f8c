"""The synapses of a query, and the two sets that they are compared with (numpy only)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float

from harness.interventions.knowledge_synapses import KnowledgeSynapses
from harness.interventions.random_synapses import RandomSynapses
from harness.synapses import SynapseSet

PRINTED: Final = "printed"
WITHOUT_FIRST: Final = "without_first"

READINGS: Final[Mapping[str, KnowledgeSynapses]] = {
    PRINTED: KnowledgeSynapses(),
    # With the printed tau no column in the last alpha T can qualify: where S is the first position and little else,
    # little would be left without it.
    WITHOUT_FIRST: KnowledgeSynapses(threshold="per-column", exclude_first=True),
}
"""S as printed, and the reading that carries the verdict where S as printed is the first position and little else."""

SETS: Final = ("self", "irrelevant", "random")
"""S, S_ir, and random synapses as many as S has in every head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSynapses:
    """What is suppressed and enhanced for one query under one reading of S.

    Attributes:
        own: S.
        irrelevant: S_ir: the synapses of a query of another relation, columns beyond this query dropped.
        random: as many columns in every head as S has there, outside S as far as there are others.
    """

    own: SynapseSet
    irrelevant: SynapseSet
    random: SynapseSet

    def sets(self) -> tuple[SynapseSet, ...]:
        """In the order of `SETS`."""
        return self.own, self.irrelevant, self.random

    def why_incomparable(self) -> str | None:
        """Why nothing can be compared here; None if it can."""
        if not self.own:
            return "the query has no synapse"
        if not self.irrelevant:
            return "no synapse of the irrelevant query lies within the query"
        return None

    def numbers(self) -> dict[str, float]:
        """How large the sets are, how much of them S has too, and how much of S is the first position."""
        return {
            "size_self": float(len(self.own)),
            "size_irrelevant": float(len(self.irrelevant)),
            "overlap_irrelevant": self.own.jaccard(self.irrelevant) or 0.0,
            "overlap_random": self.own.jaccard(self.random) or 0.0,
            "first_position_share": self.own.first_position_share or 0.0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseDraw:
    """Draws what is random about a query's sets by what the query is: other queries beside it change nothing.

    Attributes:
        seed: of all draws.
        control: how random synapses are matched.
    """

    seed: int = 0
    control: RandomSynapses = field(default_factory=RandomSynapses)

    def generator(self, key: str, purpose: str) -> np.random.Generator:
        """Random numbers that depend on the seed, the query's key and the purpose alone."""
        digest = hashlib.blake2b(f"{key}\n{purpose}".encode(), digest_size=16).digest()
        return np.random.default_rng([self.seed, *np.frombuffer(digest, dtype="<u4").tolist()])

    def irrelevant(self, key: str, others: Sequence[int]) -> int | None:
        """One of the queries of other relations; None if there is none."""
        return None if len(others) == 0 else int(self.generator(key, "irrelevant query").choice(others))

    def compared(
        self,
        key: str,
        reading: str,
        columns: Float[np.ndarray, "layers query_heads tokens"],
        irrelevant: Float[np.ndarray, "layers query_heads other_tokens"],
    ) -> ComparedSynapses:
        """The three sets of a query.

        Args:
            key: of the query.
            reading: one of `READINGS`.
            columns: column sums of the query's unmodified maps.
            irrelevant: those of the irrelevant query.
        """
        synapses = READINGS[reading]
        own = synapses.select(columns)
        layers, heads, tokens = columns.shape
        control = RandomSynapses(match=self.control.match, exclude_first=synapses.exclude_first)
        return ComparedSynapses(
            own=own,
            irrelevant=synapses.select(irrelevant).within(tokens),
            random=control.draw(own, (layers, heads, tokens), self.generator(key, f"random synapses, {reading}")),
        )
