"""Section 2.2, second finding: for K_II the global set costs perplexity (Table 2)."""

import pytest

from harness.claims.edits import KINDS
from harness.claims.modification import global_cost
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.modification
@pytest.mark.parametrize("kind", KINDS)
def test_global_edits_cost_perplexity_in_inconsistent_facts(judge: Judge, threshold: Threshold, kind: str) -> None:
    """The price of edits of N_g in K_II, and against that in K_I."""
    judge(global_cost, threshold=threshold, kind=kind)
