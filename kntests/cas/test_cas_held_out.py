"""Section 3.3, first finding, with the betas of CAS chosen on other relations than those it is judged on."""

import pytest

from harness.claims.edits import KINDS
from harness.claims.held_out_betas import HeldOutBetas
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.cas
@pytest.mark.parametrize("kind", KINDS)
def test_consistency_aware_edits_do_better_under_betas_of_other_relations(
    judge: Judge, threshold: Threshold, kind: str
) -> None:
    """Against N_i, paired by fact."""
    judge(HeldOutBetas, threshold=threshold, kind=kind)
