"""Section 3.1, third finding: for K_I, too, neighbor neurons do less than the query's own (Figure 4)."""

import pytest

from harness.claims.mapping import DIRECTIONS, consistent_drop
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.mapping
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_effect_of_neighbor_neurons_drops_in_consistent_facts_too(
    judge: Judge, threshold: Threshold, direction: str
) -> None:
    """What the paper takes K_I for a special case of K_II by."""
    judge(consistent_drop, threshold=threshold, direction=direction)
