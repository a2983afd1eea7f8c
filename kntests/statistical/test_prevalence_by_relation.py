"""Section 2.1, first finding, relation by relation, and at the threshold that Figure 3 draws as an example."""

import pytest

from harness.claims import Prevalence, PrevalenceByRelation
from harness.consistency import StaticThreshold, Threshold
from plugins.fixtures import Judge

FIGURE_3 = StaticThreshold(0.3)


@pytest.mark.statistical
def test_inconsistent_facts_are_the_majority_in_most_relations(judge: Judge, threshold: Threshold) -> None:
    """Most facts of most relations have knowledge neurons that their queries do not share."""
    judge(PrevalenceByRelation, threshold=threshold)


@pytest.mark.statistical
def test_inconsistent_facts_are_frequent_in_figure_3(judge: Judge) -> None:
    """The share of facts at or below Figure 3's threshold."""
    judge(Prevalence, threshold=FIGURE_3)


@pytest.mark.statistical
def test_inconsistent_facts_are_the_majority_in_most_relations_of_figure_3(judge: Judge) -> None:
    """Figure 3: the majority of facts across relations falls below its threshold."""
    judge(PrevalenceByRelation, threshold=FIGURE_3)
