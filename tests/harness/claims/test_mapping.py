"""Claims of query-KN mapping on effects whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from harness.claims import EffectClaim, Effects, Facts, Procedure, Verdict
from harness.claims.mapping import (
    DIRECTIONS,
    MARGIN,
    consistent_drop,
    effect,
    larger_drop,
    own_over_neighbors,
    own_over_random,
)
from harness.consistency import NEIGHBOR_RULES, StaticThreshold
from harness.consistency.compared import OWN, RANDOM, own_beside
from scripts.calibration.effects import WORLDS, mapping_effects, verdict_of

THRESHOLD = StaticThreshold()
CLAIMS = (own_over_neighbors, larger_drop, consistent_drop, own_over_random)
PROCEDURE = Procedure(draws=299)
SAME, AT_MARGIN, IN_ONE, IN_BOTH, *_ = WORLDS


def claim_of(make, direction="suppress", **common) -> EffectClaim:
    return make(threshold=THRESHOLD, direction=direction, **common)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("make", CLAIMS)
def test_a_claim_is_its_own_configuration_and_reads_what_is_measured(make, direction):
    claim = claim_of(make, direction)
    assert (claim.name, claim.marker, claim.reads) == (f"{make.__name__}_{direction}", "mapping", "mapping")
    assert claim.margin == MARGIN
    assert claim_of(make, direction, margin=0.2).margin == 0.2
    assert hash(claim) == hash(claim_of(make, direction))
    deciding = [one for one in claim.comparisons if one.decides]
    assert all(one.first.startswith(direction) for one in deciding)
    assert {"held_out" in one.first for one in deciding} == {False, True}
    for one in deciding:  # both numbers of a pair behind the prefix, or neither
        assert ("held_out" in one.first) == ("held_out" in one.second)


def test_which_facts_each_claim_is_about():
    facts = {make.__name__: {one.facts for one in claim_of(make).comparisons if one.decides} for make in CLAIMS}
    assert facts == {
        "own_over_neighbors": {Facts.INCONSISTENT},
        "larger_drop": {Facts.DIFFERENCE},
        "consistent_drop": {Facts.CONSISTENT},
        "own_over_random": {Facts.ALL, Facts.CONSISTENT, Facts.INCONSISTENT},
    }


def test_the_papers_rates_stand_beside_and_decide_nothing():
    beside = [one for one in claim_of(own_over_neighbors).comparisons if not one.decides]
    assert {one.facts for one in beside} == {Facts.CONSISTENT, Facts.INCONSISTENT}
    assert len(beside) == 2 * (2 + len(NEIGHBOR_RULES))
    assert all(one.first.startswith("rate_mean_") and one.second is None for one in beside)


def verdict(make, effects, relation, consistent) -> Verdict:
    return verdict_of(claim_of(make), effects, relation, consistent, PROCEDURE)


@pytest.fixture
def simulated():
    """Own neurons do more by 1 in both classes, far beyond doubt."""
    effects, relation, consistent = mapping_effects((1.0, 1.0, 0.1), 20, 20, np.random.default_rng(0))
    return dict(effects.values), relation, consistent


@pytest.mark.parametrize("rule", ["union", "refine"])
@pytest.mark.parametrize("held_out", [False, True])
def test_every_neighbor_set_decides_and_so_does_the_prefix(simulated, rule, held_out):
    values, relation, consistent = simulated
    assert verdict(own_over_neighbors, Effects(values=values), relation, consistent) == "SUPPORTED"
    name, own = (effect("suppress", one, held_out=held_out) for one in (rule, own_beside(rule)))
    noise = 0.1 * np.random.default_rng(1).standard_normal(len(relation))
    worse = {**values, name: values[own] + 0.5 + noise}
    assert verdict(own_over_neighbors, Effects(values=worse), relation, consistent) == "REFUTED"
    assert verdict(consistent_drop, Effects(values=worse), relation, consistent) == "REFUTED"


def test_a_neighbor_set_that_few_facts_have_is_left_out_but_the_union_is_not(simulated):
    values, relation, consistent = simulated
    rare = np.full(len(relation), np.nan)
    without = {**values, effect("suppress", "refine"): rare, effect("suppress", "refine", held_out=True): rare}
    assert verdict(own_over_neighbors, Effects(values=without), relation, consistent) == "SUPPORTED"
    nothing = {**values, effect("suppress", "union"): rare}
    assert verdict(own_over_neighbors, Effects(values=nothing), relation, consistent) == "NOT_APPLICABLE"


def test_own_over_random_holds_in_both_classes():
    rng = np.random.default_rng(0)
    relation = np.repeat(np.arange(12), 20)
    consistent = (rng.random(240) < 0.5).astype(float)
    values = {
        effect("suppress", name, held_out=held_out): mean + 0.2 * rng.standard_normal(240)
        for held_out in (False, True)
        for name, mean in ((OWN, 1.0), (RANDOM, 0.0))
    }
    assert verdict(own_over_random, Effects(values=values), relation, consistent) == "SUPPORTED"
    name = effect("suppress", OWN)
    low = {**values, name: np.where(consistent == 1, -0.5, values[name])}
    assert verdict(own_over_random, Effects(values=low), relation, consistent) == "REFUTED"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "supported", "never"),
    [
        (SAME, (), (own_over_neighbors, larger_drop, consistent_drop)),
        (AT_MARGIN, (), (own_over_neighbors, larger_drop, consistent_drop)),
        (IN_ONE, (own_over_neighbors, larger_drop), (consistent_drop,)),
        (IN_BOTH, (own_over_neighbors, consistent_drop), (larger_drop,)),
    ],
)
def test_a_difference_of_0_3_is_found_with_35_relations_of_20_facts_and_none_is_not(world, supported, never):
    draws = 60
    counts = dict.fromkeys((*supported, *never), 0)
    for draw in range(draws):
        drawn = mapping_effects(WORLDS[world], 35, 20, np.random.default_rng([draw, 35]))
        for make in counts:
            said = verdict_of(claim_of(make), *drawn, replace(PROCEDURE, seed=draw))
            counts[make] += said == "SUPPORTED"
    for make in never:
        assert counts[make] <= 0.05 * draws
    for make in supported:  # of 60 populations one may miss a power of 90 % by three standard errors
        assert counts[make] >= (0.9 - 3 * (0.9 * 0.1 / draws) ** 0.5) * draws
