import math

import numpy as np
import pytest

from harness.errors import ConfigError
from harness.statistics import cluster_contrast


def plain(clusters):
    """Difference of class means and its standard error from the facts themselves, in loops."""
    size = [sum(len(cluster[c]) for cluster in clusters) for c in (0, 1)]
    if 0 in size:
        return None
    mean = [sum(sum(cluster[c]) for cluster in clusters) / size[c] for c in (0, 1)]
    influence = [
        sum(x - mean[0] for x in cluster[0]) / size[0] - sum(x - mean[1] for x in cluster[1]) / size[1]
        for cluster in clusters
    ]
    return mean[0] - mean[1], math.sqrt(len(clusters) / (len(clusters) - 1) * sum(u * u for u in influence))


def totals_and_sizes(clusters):
    return (
        np.array([[sum(cluster[c]) for cluster in clusters] for c in (0, 1)]),
        np.array([[float(len(cluster[c])) for cluster in clusters] for c in (0, 1)]),
    )


def test_equals_a_plain_loop_over_resampled_facts():
    rng = np.random.default_rng(0)
    # The first two clusters alone have facts of the second class, so some draws have none.
    clusters = [(rng.random(3 + g).tolist(), (0.5 * rng.random(4 * (g < 2))).tolist()) for g in range(7)]
    ours = cluster_contrast(*totals_and_sizes(clusters), draws=400, rng=np.random.default_rng(1))
    theta, se = plain(clusters)
    assert ours.studentized.estimate == pytest.approx(theta)
    assert ours.means[0] - ours.means[1] == pytest.approx(theta)
    assert ours.studentized.se == pytest.approx(se)
    t_draws, empty = [], 0
    for times in np.random.default_rng(1).multinomial(7, np.full(7, 1 / 7), size=400):
        drawn = plain([cluster for cluster, n in zip(clusters, times, strict=True) for _ in range(n)])
        if drawn is None:
            empty += 1
        else:
            t_draws.append((drawn[0] - theta) / drawn[1])
    assert empty > 20
    assert ours.empty_draws == pytest.approx(empty / 400)
    np.testing.assert_allclose(ours.studentized.t_draws, np.sort(t_draws), rtol=1e-7, atol=1e-9)


def test_what_both_classes_of_a_cluster_share_cancels():
    rng = np.random.default_rng(0)
    level = rng.random(12)
    totals = np.array([20 * (level + 0.2), 20 * level])
    ours = cluster_contrast(totals, np.full((2, 12), 20.0), draws=200, rng=rng)
    assert ours.studentized.estimate == pytest.approx(0.2)
    assert ours.studentized.se == pytest.approx(0.0, abs=1e-12)


def test_interval_covers_the_truth_in_nine_of_ten_clustered_samples():
    rng = np.random.default_rng(2025)
    covered, samples = 0, 1000
    for _ in range(samples):
        sizes = rng.integers(1, 30, (2, 12)).astype(float)
        level = 0.4 + 0.1 * rng.standard_normal(12)
        totals = sizes * (np.array([[0.2], [0.0]]) + level) + 0.1 * np.sqrt(sizes) * rng.standard_normal((2, 12))
        interval = cluster_contrast(totals, sizes, draws=399, rng=rng).studentized.interval()
        covered += interval.low <= 0.2 <= interval.high
    assert covered / samples >= 0.9


def test_an_empty_class_is_refused():
    with pytest.raises(ConfigError, match="both classes"):
        cluster_contrast(np.zeros((2, 3)), np.array([[1.0, 1, 1], [0, 0, 0]]), draws=9, rng=np.random.default_rng(0))
