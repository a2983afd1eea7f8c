"""Section 3.2.2, first finding: manipulating S changes knowledge neurons and answer, S_ir less (Figure 6)."""

import pytest

from harness.claims import ATTENTION_CLAIMS
from harness.consistency import Threshold
from plugins.fixtures import Judge

FACTORS = ("suppress", "enhance", "average")


@pytest.mark.attention
@pytest.mark.parametrize("factor", FACTORS)
def test_knowledge_synapses_move_knowledge_neurons(judge: Judge, threshold: Threshold, factor: str) -> None:
    """ΔValue of S against that of S_ir and of random synapses."""
    judge(ATTENTION_CLAIMS[f"selection_value_{factor}"], threshold=threshold)


@pytest.mark.attention
@pytest.mark.parametrize("factor", FACTORS)
def test_knowledge_synapses_move_the_answer(judge: Judge, threshold: Threshold, factor: str) -> None:
    """Δ log p of S against that of S_ir and of random synapses."""
    judge(ATTENTION_CLAIMS[f"selection_answer_{factor}"], threshold=threshold)
