"""Section 3.3, first finding: for K_II, CAS does better on average than the local set (Table 3)."""

import pytest

from harness.claims.cas import cas_average
from harness.claims.edits import KINDS
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.cas
@pytest.mark.parametrize("kind", KINDS)
def test_consistency_aware_edits_do_better_on_average(judge: Judge, threshold: Threshold, kind: str) -> None:
    """Against N_i, paired by fact; also in the size of N_i."""
    judge(cas_average, threshold=threshold, kind=kind)
