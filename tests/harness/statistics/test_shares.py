import numpy as np
import pytest

from harness.errors import ConfigError
from harness.statistics import share_at_or_below


def brute_force_split(counts, sums):
    """Otsu of every row by a loop over cuts; index of the last distinct value at or below."""
    splits = []
    for n, s in zip(counts, sums, strict=True):
        best, where = -1.0, len(n) - 1
        for i in range(len(n) - 1):
            below, above = n[i], n[-1] - n[i]
            if below > 0 and above > 0:
                variance = below * above * ((s[-1] - s[i]) / above - s[i] / below) ** 2
                if variance > best * (1 + 1e-12):
                    best, where = variance, i
        splits.append(where)
    return np.array(splits)


def brute_force_cut(values):
    distinct = np.unique(values)
    if len(distinct) == 1:
        return float(distinct[0])
    counts = np.array([(values <= v).sum() for v in distinct], dtype=float)
    sums = np.array([values[values <= v].sum() for v in distinct])
    i = int(brute_force_split(counts[None], sums[None])[0])
    return float((distinct[i] + distinct[i + 1]) / 2)


def test_share_and_clusters_by_hand():
    values = np.array([0.05, 0.1, 0.2, 0.0, 0.5, 0.1])
    share = share_at_or_below(values, np.array([3, 3, 3, 9, 9, 9]), 0.1, draws=500, rng=np.random.default_rng(0))
    assert share.estimate == pytest.approx(4 / 6)
    assert (share.n_clusters, share.n, share.cut) == (2, 6, 0.1)


def test_otsu_in_every_draw_equals_a_plain_loop():
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(6), [5, 9, 3, 8, 6, 4])
    values = np.concatenate([rng.beta(1 + g, 5, n) for g, n in enumerate(np.bincount(cluster))])
    cut = brute_force_cut(values)
    ours = share_at_or_below(values, cluster, cut, draws=300, rng=np.random.default_rng(1), split=brute_force_split)
    theta = (values <= cut).mean()
    t_draws, cuts = [], set()
    for times in np.random.default_rng(1).multinomial(6, np.full(6, 1 / 6), size=300):
        drawn = [values[cluster == g] for g, n in enumerate(times) for _ in range(n)]
        cut_star = brute_force_cut(np.concatenate(drawn))
        flags = [part <= cut_star for part in drawn]
        theta_star = np.concatenate(flags).mean()
        squares = sum((flag.sum() - theta_star * len(flag)) ** 2 for flag in flags)
        se_star = np.sqrt(6 / 5 * squares) / len(np.concatenate(flags))
        t_draws.append((theta_star - theta) / se_star)
        cuts.add(round(cut_star, 9))
    assert len(cuts) > 20  # the cut moves from draw to draw, or the test would show nothing
    np.testing.assert_allclose(ours.studentized.t_draws, np.sort(t_draws), rtol=1e-7, atol=1e-9)


def test_a_cut_that_moves_is_less_certain_than_one_that_is_held():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(15), 20)
    values = rng.beta(1.3, 8, 300)
    cut = brute_force_cut(values)
    held = share_at_or_below(values, cluster, cut, draws=400, rng=np.random.default_rng(0)).bootstrap
    moved = share_at_or_below(
        values, cluster, cut, draws=400, rng=np.random.default_rng(0), split=brute_force_split
    ).bootstrap
    assert moved.high - moved.low > 1.2 * (held.high - held.low)


@pytest.mark.slow
def test_interval_covers_the_truth_in_nine_of_ten_clustered_samples():
    rng = np.random.default_rng(2024)
    covered = {"bootstrap": 0, "t": 0}
    samples = 2000
    for _ in range(samples):
        sizes = rng.integers(10, 60, 12)
        rates = rng.beta(2, 3, 12)  # mean 0.4: relations differ
        cluster = np.repeat(np.arange(12), sizes)
        values = (rng.random(len(cluster)) > rates[cluster]).astype(float)  # value 0 with the relation's rate
        share = share_at_or_below(values, cluster, 0.5, draws=999, rng=rng)
        covered["bootstrap"] += share.bootstrap.low <= 0.4 <= share.bootstrap.high
        covered["t"] += share.t.low <= 0.4 <= share.t.high
    assert covered["bootstrap"] / samples >= 0.90
    assert covered["t"] / samples >= 0.90


def test_one_cluster_has_the_widest_interval():
    share = share_at_or_below(
        np.array([0.0, 0.0, 1.0]), np.zeros(3, dtype=int), 0.5, draws=99, rng=np.random.default_rng(0)
    )
    assert share.se == 0.0
    assert share.t is None
    assert share.bootstrap.high - share.bootstrap.low > 0.9


@pytest.mark.parametrize("values", [[], [np.nan, 0.1]])
def test_values_must_exist_and_be_finite(values):
    values = np.array(values, dtype=float)
    with pytest.raises(ConfigError, match="finite"):
        share_at_or_below(values, np.zeros(len(values), dtype=int), 0.1, draws=99, rng=np.random.default_rng(0))
