"""Section 2.1, first finding, as the paper words it: regardless of the localization method or threshold."""

import pytest

from harness.claims import Prevalence
from plugins.joint import JudgeEverywhere


@pytest.mark.statistical
def test_inconsistent_facts_are_frequent_in_every_cell(judge_everywhere: JudgeEverywhere) -> None:
    """The worst of all cells of localizer and threshold decides."""
    judge_everywhere(Prevalence)
