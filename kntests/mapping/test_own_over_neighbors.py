"""Section 3.1, second finding: for K_II, neighbor neurons do much less than the query's own (Figure 4)."""

import pytest

from harness.claims.mapping import DIRECTIONS, own_over_neighbors
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.mapping
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_querys_own_neurons_do_more_than_its_neighbors_in_inconsistent_facts(
    judge: Judge, threshold: Threshold, direction: str
) -> None:
    """Paired by fact, equal numbers of neurons, on the query and behind a prefix that selection never saw."""
    judge(own_over_neighbors, threshold=threshold, direction=direction)
