from itertools import combinations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from harness.errors import ConfigError
from harness.statistics import agreement
from harness.statistics.agreement import pairs_that_agree


def make(seed, raters=3, clusters=9, facts=20, flips=0.2):
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rng.integers(facts // 2, facts, clusters))
    truth = rng.random(len(cluster)) < rng.uniform(0.2, 0.8, clusters)[cluster]
    return truth ^ (rng.random((raters, len(cluster))) < flips), cluster


def measured(calls, cluster, draws=199):
    return agreement(calls, cluster, draws=draws, rng=np.random.default_rng(0))


@pytest.mark.parametrize("raters", [2, 3, 5])
def test_fleiss_is_that_of_statsmodels(raters):
    calls, cluster = make(raters, raters=raters)
    table, _ = aggregate_raters(calls.T.astype(int))
    assert measured(calls, cluster).fleiss.estimate == pytest.approx(fleiss_kappa(table))


def test_kappa_of_two_raters_in_one_cluster_is_cohens_but_for_its_bias():
    calls, _ = make(1, raters=2, clusters=1, facts=80)
    table = np.array([[np.sum((calls[0] == a) & (calls[1] == b)) for b in (0, 1)] for a in (0, 1)])
    cohens, n = cohens_kappa(table).kappa, calls.shape[1]
    within = measured(calls, np.zeros(n, dtype=int)).within
    # numerator and denominator of Cohen's kappa with the pairs of a fact with itself taken out of what chance is
    assert within.estimate == pytest.approx(n * cohens / (n - 1 + cohens))


def test_kappa_within_clusters_is_its_definition_written_out():
    calls, cluster = make(2, clusters=5, facts=8)
    observed = expected = 0.0
    for g in np.unique(cluster):
        here = calls[:, cluster == g]
        facts = range(here.shape[1])
        for a, b in combinations(here, 2):
            chance = np.mean([a[f] == b[h] for f in facts for h in facts if f != h])
            observed += len(a) * ((a == b).mean() - chance)
            expected += len(a) * (1 - chance)
    assert measured(calls, cluster).within.estimate == pytest.approx(observed / expected)


def test_kappa_within_small_clusters_has_no_bias():
    rng, clusters, facts = np.random.default_rng(0), 20_000, 5
    cluster = np.repeat(np.arange(clusters), facts)
    share = rng.uniform(0.2, 0.8, clusters)[cluster]
    truth = rng.random(len(cluster)) < share
    flips = rng.random((2, len(cluster))) < 0.15
    found = measured(truth ^ flips, cluster, draws=19).within.estimate
    # each call is right with 0.85: the covariance of two is 0.7^2 s(1 - s), that of chance 2 q (1 - q) with q of a call
    call = 0.15 + 0.7 * share
    agreed, chance = 0.85**2 + 0.15**2, call**2 + (1 - call) ** 2
    assert found == pytest.approx(np.mean(agreed - chance) / np.mean(1 - chance), abs=0.01)


def test_clusters_of_two_facts_say_nothing():
    calls = np.array([[1, 0], [0, 1]], dtype=bool)
    assert measured(calls, np.zeros(2, dtype=int)).within is None


def test_unanimity_beyond_the_product_of_shares():
    calls, cluster = make(3)
    product = [np.prod(calls[:, cluster == g].mean(axis=1)) * np.sum(cluster == g) for g in np.unique(cluster)]
    found = measured(calls, cluster)
    assert found.unanimous == pytest.approx(calls.all(axis=0).mean())
    assert found.by_chance == pytest.approx(np.sum(product) / len(cluster))
    assert found.excess.estimate == pytest.approx(found.unanimous - found.by_chance)


def test_clusters_that_differ_raise_fleiss_and_not_kappa_within():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(40), 50)
    calls = rng.random((3, 2000)) < rng.choice([0.1, 0.9], 40)[cluster]
    found = measured(calls, cluster)
    assert found.fleiss.estimate > 0.5
    assert abs(found.within.estimate) < 0.05


def test_error_of_fleiss_is_that_of_leaving_clusters_out():
    calls, cluster = make(4, clusters=30)

    def without(g):
        return measured(calls[:, cluster != g], cluster[cluster != g], draws=1).fleiss.estimate

    left_out = np.array([without(g) for g in range(30)])
    jackknife = np.sqrt(29 / 30 * ((left_out - left_out.mean()) ** 2).sum())
    assert measured(calls, cluster).fleiss.se == pytest.approx(jackknife, rel=0.1)


def test_one_opinion_in_all_facts_leaves_kappa_undefined():
    found = measured(np.ones((2, 10), dtype=bool), np.arange(10) % 3)
    assert (found.within, found.fleiss, found.unanimous) == (None, None, 1.0)


def test_raters_that_never_differ_have_an_exact_interval():
    calls, cluster = make(5, raters=1)
    interval = measured(np.repeat(calls, 3, axis=0), cluster).within.interval()
    assert interval.high == 1.0
    assert 0.2 < interval.low < 0.6


def test_pairs_that_agree():
    calls = np.array([[1, 1, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool)
    assert pairs_that_agree(calls).tolist() == [1, 1 / 3, 1, 1 / 3]


def test_one_rater_agrees_with_nobody():
    with pytest.raises(ConfigError, match="two raters"):
        measured(np.ones((1, 4), dtype=bool), np.arange(4))
