"""Section 3.2.2, second finding: suppressing S confuses knowledge neurons with others (Figures 7 and 10)."""

import pytest

from harness.claims import ATTENTION_CLAIMS
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.attention
def test_without_their_synapses_knowledge_neurons_stand_out_less(judge: Judge, threshold: Threshold) -> None:
    """The contrast between knowledge neurons and all others falls."""
    judge(ATTENTION_CLAIMS["contrast"], threshold=threshold)
