"""The difference between K_I and K_II on queries that did not classify them, and the modes of CS2 beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int

from harness.claims.halves import Halves
from harness.consistency import Threshold
from harness.statistics import (
    DIFFERENCE,
    Contrast,
    Interval,
    Kinds,
    cluster_contrast,
    kinds_test,
    minimum_detectable,
    t_interval,
)

HELD_OUT: Final = (
    *("cut", "mean_consistent", "mean_inconsistent", "within_relations", "empty_draws", "interval_method"),
    *("modes_p", "modes", "valley", "shared_variance", "minimum_detectable"),
)
"""What `HeldOut` writes into the extras."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """What the halves say.

    Attributes:
        contrast: measured CS2 of the facts classified as K_I minus that of K_II.
        interval: its 95 % bootstrap-t interval.
        within_relations: Student's interval of the difference within relations, over those that have both classes.
        kinds: the test of one mode of CS2 over all pairs of queries.
        cut: the threshold's cut of CS2 over all pairs.
    """

    contrast: Contrast
    interval: Interval
    within_relations: Interval | None
    kinds: Kinds
    cut: float

    @property
    def detectable(self) -> float | None:
        """The smallest distance from the margin that could have been seen; None for one relation."""
        bootstrap = self.contrast.studentized
        return minimum_detectable(bootstrap.se, bootstrap.n_clusters)

    def sentence(self, margin: float) -> str:
        """Estimate, interval and margin."""
        one, two = self.contrast.means
        return (
            f"On queries that did not classify them, mean CS2 is {one:.3f} for K_I and {two:.3f} for K_II, a"
            f" difference of {one - two:.3f} (95 % interval {self.interval.low:.3f} to {self.interval.high:.3f};"
            f" margin {margin:g})."
        )

    def detectable_text(self) -> str:
        """The smallest visible effect as a sentence, empty if unknown."""
        if self.detectable is None:
            return ""
        return f" The smallest difference from the margin that could have been seen is {self.detectable:.3f}."

    def as_record(self) -> dict[str, object]:
        """Builtins only, by the names in `HELD_OUT`."""
        within = self.within_relations
        values: tuple[object, ...] = (
            *(self.cut, *self.contrast.means, within and [within.low, within.high]),
            *(self.contrast.empty_draws, self.interval.method),
            *(self.kinds.p_value, list(self.kinds.modes), self.kinds.valley, self.kinds.shared, self.detectable),
        )
        return dict(zip(HELD_OUT, values, strict=True))


def measure_held_out(
    halves: Halves,
    relation: Int[np.ndarray, " facts"],
    threshold: Threshold,
    *,
    draws: int,
    generator: Callable[[str], np.random.Generator],
) -> HeldOut | None:
    """Classifies every fact by each half of its queries, measures it by the other, and contrasts the classes.

    Splits are pooled: a fact counts in a class as often as one of its halves put it there. The cut of an estimated
    threshold is found in every half and held in the bootstrap.

    Args:
        halves: scores by halves.
        relation: the relation of each of their facts.
        threshold: cuts the classifying half.
        draws: bootstrap draws over relations.
        generator: random numbers for a purpose.

    Returns:
        None where a class has no fact to be measured.
    """
    classified, measured = halves.measured
    both = np.isfinite(classified) & np.isfinite(measured)
    consistent = np.zeros_like(both)
    for row, scores, ok in zip(consistent, classified, both, strict=True):
        if ok.any():
            row[:] = scores > threshold.cut(scores[ok])
    value = np.where(both, measured, 0.0)
    _, cluster = np.unique(relation, return_inverse=True)
    classes = (both & consistent, both & ~consistent)
    sizes = np.array([np.bincount(cluster, chosen.sum(axis=0)) for chosen in classes])
    totals = np.array([np.bincount(cluster, (value * chosen).sum(axis=0)) for chosen in classes])
    if (sizes.sum(axis=1) == 0).any():
        return None
    contrast = cluster_contrast(totals, sizes, draws=draws, rng=generator("bootstrap"))
    here = (sizes > 0).all(axis=0)
    differences = totals[0, here] / sizes[0, here] - totals[1, here] / sizes[1, here]
    return HeldOut(
        contrast=contrast,
        interval=contrast.studentized.interval(),
        within_relations=t_interval(differences, bounds=DIFFERENCE),
        kinds=kinds_test(halves.score, relation, rng=generator("modes"), resolution=halves.resolution),
        cut=threshold.cut(halves.score),
    )
