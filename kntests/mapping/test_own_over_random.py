"""Section 3.1, first finding: in K_I and K_II alike, the query's own neurons bear on its answer (Figure 4)."""

import pytest

from harness.claims.mapping import DIRECTIONS, own_over_random
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.mapping
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_querys_own_neurons_do_more_than_random_ones(judge: Judge, threshold: Threshold, direction: str) -> None:
    """Random neurons of the same layers, as many, none of them a knowledge neuron of the fact."""
    judge(own_over_random, threshold=threshold, direction=direction)
