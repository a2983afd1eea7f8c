"""Section 3.2.1: attention tends to focus on specific tokens (Eq. 4, Figure 5)."""

import pytest

from harness.claims import ATTENTION_CLAIMS
from harness.consistency import Threshold
from plugins.fixtures import Judge


@pytest.mark.attention
def test_queries_of_a_fact_attend_to_the_same_token(judge: Judge, threshold: Threshold) -> None:
    """P lies above P under shuffled positions."""
    judge(ATTENTION_CLAIMS["predominance"], threshold=threshold)
