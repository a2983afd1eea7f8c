"""The bootstrap at the size of ParaRel: 27,610 facts of 39 relations, 10,000 draws, Otsu's cut found in every draw."""

import numpy as np
import pytest

from harness.consistency import OtsuThreshold
from harness.statistics import share_at_or_below

FACTS, RELATIONS, DRAWS = 27_610, 39, 10_000


@pytest.mark.parametrize("union", [12, 40], ids=["unions of about 12 neurons", "unions of about 40 neurons"])
def test_share_with_otsu_in_every_draw(benchmark, union):
    rng = np.random.default_rng(0)
    relation = np.sort(rng.integers(0, RELATIONS, FACTS))
    rates = rng.beta(1.3, 8, FACTS)[:, None]
    # CS2 as claims read it: the mean over 16 subsets of queries, a fraction of small integers each.
    unions = rng.integers(union // 2, 3 * union // 2, (FACTS, 16))
    cs2 = np.round((rng.binomial(unions, rates) / unions).mean(axis=1), 12)
    otsu = OtsuThreshold()

    def share():
        return share_at_or_below(
            cs2, relation, otsu.cut(cs2), draws=DRAWS, rng=np.random.default_rng(0), split=otsu.splits
        )

    found = benchmark.pedantic(share, rounds=2)
    benchmark.extra_info["distinct values"] = len(np.unique(cs2))
    assert found.bootstrap.low < found.estimate < found.bootstrap.high
