"""Section 2.2, second finding: for K_II it takes the global set to generalize (Table 2)."""

import pytest

from harness.claims.edits import KINDS
from harness.claims.modification import global_edits
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.modification
@pytest.mark.parametrize("kind", KINDS)
def test_global_edits_generalize_in_inconsistent_facts(judge: Judge, threshold: Threshold, kind: str) -> None:
    """Generalization of edits of N_g against those of N_i, paired by fact."""
    judge(global_edits, threshold=threshold, kind=kind)
