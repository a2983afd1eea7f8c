"""Section 2.1, second finding: the difference between K_I and K_II is significant (Table 1, columns t and p)."""

import pytest

from harness.claims import Separation
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.statistical
def test_consistent_and_inconsistent_facts_are_two_kinds(judge: Judge, threshold: Threshold) -> None:
    """Classes found on half of the queries differ on the other half, and CS2 has a mode for each."""
    judge(Separation, threshold=threshold)
