"""Section 2.1, first finding: K_II exists extensively (Table 1)."""

import pytest

from harness.claims import Prevalence
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.statistical
def test_inconsistent_facts_are_frequent(judge: Judge, threshold: Threshold) -> None:
    """More facts than the margin allows have knowledge neurons that their queries do not share."""
    judge(Prevalence, threshold=threshold)
