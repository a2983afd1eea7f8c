"""Section 2.2, first finding: for K_II the local set does worse than for K_I (Table 2)."""

import pytest

from harness.claims.edits import KINDS
from harness.claims.modification import local_edits
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.modification
@pytest.mark.parametrize("kind", KINDS)
def test_local_edits_do_not_generalize_in_inconsistent_facts(judge: Judge, threshold: Threshold, kind: str) -> None:
    """Generalization and average of edits of N_i, K_I against K_II."""
    judge(local_edits, threshold=threshold, kind=kind)
