"""Section 3.3, first finding: for K_II, CAS is close to the global set (Table 3)."""

import pytest

from harness.claims.cas import cas_balance
from harness.claims.edits import KINDS
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.cas
@pytest.mark.parametrize("kind", KINDS)
def test_consistency_aware_edits_are_close_to_global_ones(judge: Judge, threshold: Threshold, kind: str) -> None:
    """Non-inferior to N_g in generalization and on average."""
    judge(cas_balance, threshold=threshold, kind=kind)
