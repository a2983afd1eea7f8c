"""What a localizer finds in a planted model, against what was planted."""

from dataclasses import dataclass

from harness.claims import Evidence
from harness.data.facts import Dataset
from harness.models.organisms.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Knowledge neurons found against planted ones, over all queries together.

    Attributes:
        hits: neurons that were found where they were planted.
        found: neurons that were found.
        planted: neurons that were planted.
    """

    hits: int
    found: int
    planted: int

    @property
    def precision(self) -> float:
        """Share of what was found that was planted; 1 where nothing was found."""
        return self.hits / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of what was planted that was found."""
        return self.hits / self.planted


def agreement(evidence: Evidence, dataset: Dataset, world: World) -> Agreement:
    """Compares, query by query, the knowledge neurons found with the planted ones.

    Args:
        evidence: what was localized.
        dataset: the facts that it was localized on: the world's own, all or some.
        world: the truth.
    """
    uids = [fact.uid for fact in dataset.facts()]
    patterns = [pattern.id for relation in dataset.relations for pattern in relation.patterns]
    hits = planted = 0
    for query, (fact, pattern) in enumerate(zip(evidence.fact_of_query, evidence.pattern_of_query, strict=True)):
        truth = world.truth[uids[fact], patterns[pattern]]
        found = evidence.sets.neurons[evidence.sets.offsets[query] : evidence.sets.offsets[query + 1]]
        hits += len(set(truth.to_flat(world.d_ff)) & set(found.tolist()))
        planted += len(truth)
    return Agreement(hits=hits, found=len(evidence.sets.neurons), planted=planted)
