"""Table 1 again: only for the models, localizers and thresholds that the paper printed, on all of ParaRel."""

import pytest

from harness.claims import Printed, Replication
from harness.consistency import Threshold
from plugins.fixtures import Judge
from reports.paper import PaperCell


@pytest.mark.statistical
def test_printed_share_comes_out_again(
    judge: Judge, threshold: Threshold, printed: PaperCell, obstacle: str | None
) -> None:
    """The share of K_II over all queries is the printed one, to within the margin."""
    numbers = Printed(
        r_inconsistent=printed.r_inconsistent,
        s_consistent=printed.s_consistent,
        s_inconsistent=printed.s_inconsistent,
        cut=printed.cut,
    )
    judge(Replication, threshold=threshold, printed=numbers, obstacle=obstacle)
