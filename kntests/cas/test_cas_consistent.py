"""Section 3.3, second finding: for K_I, CAS is comparable to both other sets (Table 3)."""

import pytest

from harness.claims.cas import cas_consistent
from harness.claims.edits import KINDS
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.cas
@pytest.mark.parametrize("kind", KINDS)
def test_consistency_aware_edits_are_comparable_in_consistent_facts(
    judge: Judge, threshold: Threshold, kind: str
) -> None:
    """Equivalent on average to N_i and to N_g."""
    judge(cas_consistent, threshold=threshold, kind=kind)
