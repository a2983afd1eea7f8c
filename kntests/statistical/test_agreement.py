"""Section 2.1, first finding: facts are K_II whatever the localization method (Table 1, last column)."""

import pytest

from harness.claims import Agreement
from plugins.joint import JudgeJointly


@pytest.mark.statistical
def test_localizers_agree_on_inconsistent_facts(judge_localizers: JudgeJointly) -> None:
    """Localizers call the same facts of a relation inconsistent, more than their shares of them make likely."""
    judge_localizers(Agreement)
