"""Section 3.3, first finding: for K_II, CAS costs less perplexity than the global set (Table 3)."""

import pytest

from harness.claims.cas import cas_cost
from harness.claims.edits import KINDS
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.cas
@pytest.mark.parametrize("kind", KINDS)
def test_consistency_aware_edits_cost_little_perplexity(judge: Judge, threshold: Threshold, kind: str) -> None:
    """Against N_g, and against N_i within a margin."""
    judge(cas_cost, threshold=threshold, kind=kind)
