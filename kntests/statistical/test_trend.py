"""Section 2.1, third finding: the larger the models, the more extensively K_II exists (Table 1)."""

import pytest

from harness.claims import Trend
from plugins.joint import JudgeJointly


@pytest.mark.statistical
def test_inconsistent_facts_are_more_frequent_in_larger_models(judge_models: JudgeJointly) -> None:
    """On the same facts, the share of K_II rises with the number of parameters and CS2 falls."""
    judge_models(Trend)
