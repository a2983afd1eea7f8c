"""Section 3.2.2, third finding: K_II relies more on the attention module than K_I (Figure 6)."""

import pytest

from harness.claims import ATTENTION_CLAIMS
from harness.consistency import Threshold
from plugins.fixtures import Judge

FACTORS = ("suppress", "enhance", "average")


@pytest.mark.attention
@pytest.mark.parametrize("factor", FACTORS)
def test_synapses_move_neurons_of_inconsistent_facts_more(judge: Judge, threshold: Threshold, factor: str) -> None:
    """ΔValue of S for K_II against K_I."""
    judge(ATTENTION_CLAIMS[f"reliance_value_{factor}"], threshold=threshold)


@pytest.mark.attention
@pytest.mark.parametrize("factor", FACTORS)
def test_synapses_move_answers_of_inconsistent_facts_more(judge: Judge, threshold: Threshold, factor: str) -> None:
    """Δ log p of S for K_II against K_I."""
    judge(ATTENTION_CLAIMS[f"reliance_answer_{factor}"], threshold=threshold)
