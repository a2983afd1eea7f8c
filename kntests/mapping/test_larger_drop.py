"""Section 3.1, second finding: for K_I the effect of neighbor neurons decreases less (Figure 4)."""

import pytest

from harness.claims.mapping import DIRECTIONS, larger_drop
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.mapping
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_effect_of_neighbor_neurons_drops_more_in_inconsistent_facts(
    judge: Judge, threshold: Threshold, direction: str
) -> None:
    """A difference in differences: own minus neighbors, in K_II minus in K_I."""
    judge(larger_drop, threshold=threshold, direction=direction)
