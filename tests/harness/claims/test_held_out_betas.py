"""Betas of CAS that no fact chose for itself."""

import numpy as np
import pytest

from harness.claims import Effects, MeasuredClaim, Procedure
from harness.claims.edits import CAS, GLOBAL, LOCAL, of_betas, quantity
from harness.claims.effect_claim import classes_of
from harness.claims.held_out_betas import HeldOutBetas, choose_betas
from harness.consistency import StaticThreshold
from harness.consistency.cas import BETA_GRID, Betas
from harness.errors import ConfigError

THRESHOLD = StaticThreshold(0.1)
CLAIM = HeldOutBetas(threshold=THRESHOLD, procedure=Procedure(draws=400))
METRICS = ("rel", "gen", "loc", "avg")


def effects_of(evidence, averages, local):
    """The grid's averages, which stand for the other metrics too."""
    grid = {
        quantity(of_betas(betas), "erase", metric): row
        for betas, row in zip(BETA_GRID, averages, strict=True)
        for metric in METRICS
    }
    plain = {quantity(editor, "erase", "avg"): local for editor in (LOCAL, GLOBAL)}
    return Effects(values={**grid, **plain, quantity(CAS, "erase", "avg"): averages[BETA_GRID.index(Betas())]})


@pytest.fixture
def evidence(world):
    return world(0.5)


def noise(evidence, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (len(BETA_GRID), evidence.n_facts))


def test_no_fact_helps_to_choose_its_own_betas(evidence):
    """What a relation scores moves the choice for the other half alone."""
    averages, relation = noise(evidence), evidence.relation_of_fact
    n = len(evidence.relation_names)
    everyone = np.ones(evidence.n_facts, dtype=bool)
    found = choose_betas(averages, relation, everyone, n, np.random.default_rng(1))
    assert sorted(np.bincount(found.half).tolist()) == sorted([n // 2, n - n // 2])
    for judged in (0, 1):
        others = found.half[relation] != judged
        best = max(range(len(BETA_GRID)), key=lambda i: averages[i, others].mean())
        assert found.betas[judged] == BETA_GRID[best]
        assert found.n_facts[judged] == others.sum()
        assert found.means[judged][best] == pytest.approx(averages[best, others].mean())
        changed = np.where(others, averages, noise(evidence, seed=7))
        assert choose_betas(changed, relation, everyone, n, np.random.default_rng(1)).betas[judged] == BETA_GRID[best]


def test_the_papers_betas_stay_where_none_are_better_and_where_nobody_chooses(evidence):
    n, relation = len(evidence.relation_names), evidence.relation_of_fact
    same = np.ones((len(BETA_GRID), evidence.n_facts))
    for chosen_on in (np.ones(evidence.n_facts, dtype=bool), np.zeros(evidence.n_facts, dtype=bool)):
        found = choose_betas(same, relation, chosen_on, n, np.random.default_rng(0))
        assert found.betas == (Betas(), Betas())
    assert found.means == ((), ())


def test_choosing_among_noise_gains_nothing(evidence):
    """On the facts that it was chosen on, the best of seven averages of pure noise would look better than N_i."""
    n, estimates, flattered = len(evidence.relation_names), [], []
    everyone = np.ones(evidence.n_facts, dtype=bool)
    for seed in range(200):
        averages = noise(evidence, seed) - 0.5
        found = choose_betas(averages, evidence.relation_of_fact, everyone, n, np.random.default_rng(seed))
        rows = [BETA_GRID.index(found.betas[half]) for half in found.half[evidence.relation_of_fact]]
        estimates.append(averages[rows, range(evidence.n_facts)].mean())
        flattered.append(averages.mean(axis=1).max())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates)) < 3 * error
    assert np.mean(flattered) > 10 * error


def test_the_row_is_the_chosen_betas_against_the_local_set(evidence):
    inconsistent = classes_of(evidence, THRESHOLD, CLAIM.procedure)[0] == 0
    averages = noise(evidence)
    averages[6, inconsistent] += 0.5
    averages[2, ~inconsistent] += 2  # which of them edits K_I best does not matter
    found = CLAIM.decide_measured(evidence, effects_of(evidence, averages, np.full(evidence.n_facts, 0.5)))
    assert isinstance(CLAIM, MeasuredClaim)
    assert found.verdict == "SUPPORTED"
    assert found.estimate == pytest.approx((averages[6] - 0.5)[inconsistent].mean())
    halves = found.extras["betas"]["halves"]
    assert [half["betas"] for half in halves] == ["0.4,0.6"] * 2
    assert sorted(name for half in halves for name in half["judged"]) == sorted(evidence.relation_names)
    assert sum(half["chosen_on_facts"] for half in halves) == inconsistent.sum()
    against_paper = found.extras["comparisons"][1]
    assert not against_paper["decides"]
    assert against_paper["estimate"] == pytest.approx((averages[6] - averages[3])[inconsistent].mean())


def test_without_consistency_aware_edits_it_says_what_is_missing(evidence):
    reason = "no fact was edited by kn-cas; add --editor kn-cas, or leave --editor out"
    local = {quantity(LOCAL, "erase", "avg"): np.zeros(evidence.n_facts)}
    found = CLAIM.decide_measured(evidence, Effects(values=local, absent={quantity(CAS, "erase", "avg"): reason}))
    assert found.verdict == "NOT_APPLICABLE"
    assert reason in found.reason


def test_a_kind_of_edit_that_does_not_exist():
    with pytest.raises(ConfigError, match=r"no edit 'ersae'\. Did you mean erase"):
        HeldOutBetas(threshold=THRESHOLD, kind="ersae")
