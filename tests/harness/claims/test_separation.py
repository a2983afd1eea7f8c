import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from harness.claims import Claim, Procedure, Separation, Verdict
from harness.claims.halves import split_halves
from harness.consistency import OtsuThreshold, QuerySets, StaticThreshold
from harness.errors import ConfigError
from scripts.calibration.populations import (
    alike,
    alike_in_relations,
    far_apart_relations,
    graded,
    population,
    two_kinds,
)

FEW = Procedure(draws=499, permutations=99)
OTSU = Separation(threshold=OtsuThreshold(), procedure=FEW)
STATIC = replace(OTSU, threshold=StaticThreshold(0.15))


def verdicts(rates, claim, populations, **shape):
    """How often each verdict comes, by the rule behind the controls."""
    counts = dict.fromkeys(Verdict, 0)
    for seed in range(populations):
        evidence = population(rates, seed=seed, **shape)
        halves = split_halves(evidence, claim.splits, rng=np.random.default_rng(seed))
        counts[
            replace(claim, procedure=replace(FEW, seed=seed)).judged(halves, evidence.relation_of_fact[halves.fact])[0]
        ] += 1
    return counts


def test_it_is_a_claim():
    assert isinstance(OTSU, Claim)
    assert (OTSU.name, OTSU.marker, OTSU.margin) == ("separation", "statistical", 0.05)
    assert "0.05" in OTSU.statement


@pytest.mark.slow
@pytest.mark.parametrize("rates", [alike, alike_in_relations, far_apart_relations, graded])
def test_one_kind_is_hardly_ever_supported(rates):
    # At a rate of 5 % at most 8 of 60 come up in 99 % of all runs.
    assert verdicts(rates, OTSU, 60)[Verdict.SUPPORTED] <= 8


@pytest.mark.parametrize("claim", [OTSU, STATIC])
def test_two_kinds_are_supported(claim):
    assert verdicts(two_kinds, claim, 30)[Verdict.SUPPORTED] >= 25


@pytest.mark.parametrize("seed", range(3))
def test_facts_that_are_alike_are_refuted_although_welch_is_sure(seed):
    finding = OTSU.decide(population(alike, relations=24, facts=60, k=4, seed=seed))
    assert finding.verdict is Verdict.REFUTED, finding.reason
    assert abs(finding.estimate) < 0.02
    assert finding.extras["paper"]["welch_t"] > 50
    assert finding.extras["paper"]["welch_p"] < 1e-100
    assert "circular" in finding.extras["paper_note"]


def test_facts_that_differ_by_degree_are_no_two_kinds():
    finding = OTSU.decide(population(graded))
    assert finding.ci_low > OTSU.margin  # the split halves alone would have supported it
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "differ by degree" in finding.reason
    assert finding.extras["reliability"] > 0.7


def test_two_kinds_with_all_their_numbers():
    evidence = population(two_kinds)
    finding = OTSU.decide(evidence)
    assert finding.verdict is Verdict.SUPPORTED, finding.reason
    assert OTSU.margin < finding.ci_low < finding.estimate < finding.ci_high
    assert finding.p_value < 0.01
    assert (finding.n_facts, finding.n_queries, finding.n_relations) == (360, 2880, 12)
    extras = finding.extras
    assert extras["mean_consistent"] - extras["mean_inconsistent"] == pytest.approx(finding.estimate)
    assert extras["modes"][0] < extras["cut"] < extras["modes"][-1]
    assert extras["modes_p"] < 0.05
    low, high = extras["within_relations"]
    assert low < finding.estimate < high
    assert json.loads(json.dumps(asdict(finding)))["verdict"] == "SUPPORTED"
    assert asdict(OTSU.decide(evidence)) == asdict(finding)


def test_a_cut_that_does_not_part_the_kinds():
    finding = replace(OTSU, threshold=StaticThreshold(0.45)).decide(population(two_kinds))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "does not part the two kinds" in finding.reason


def test_the_margin_decides():
    assert replace(OTSU, margin=0.9).decide(population(two_kinds)).verdict is Verdict.REFUTED


def test_without_two_classes_the_reason_names_a_threshold_that_gives_them():
    finding = replace(OTSU, threshold=StaticThreshold(0.95)).decide(population(two_kinds))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert finding.estimate is None
    named = float(finding.reason.rsplit("static:", 1)[1].rstrip("."))
    assert replace(OTSU, threshold=StaticThreshold(named)).decide(population(two_kinds)).estimate is not None


def test_a_class_from_too_few_relations_leaves_draws_without_it():
    # Class counts suffice on all queries, but one relation holds nearly all that are classified so by a half.
    evidence = population(two_kinds)
    halves = split_halves(evidence, 5, rng=np.random.default_rng(0))
    relation = evidence.relation_of_fact
    low = np.where((relation < 5), 0.0, 0.8)
    first = np.where(relation == 0, 0.0, np.full_like(halves.first, 0.8))
    verdict, reason, held_out = STATIC.judged(replace(halves, first=first, second=first, score=low), relation)
    assert verdict is Verdict.INCONCLUSIVE
    assert held_out.contrast.empty_draws == pytest.approx((11 / 12) ** 12, abs=0.08)
    assert "hold no fact of one class" in reason


def test_few_relations_carry_no_verdict():
    finding = OTSU.decide(population(two_kinds, relations=7))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "Fewer than 8 relations" in finding.reason


def test_three_queries_a_fact_are_not_enough():
    finding = OTSU.decide(population(two_kinds, k=3))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "more patterns" in finding.reason


def test_a_random_localizer_is_void():
    finding = OTSU.decide(population(lambda relation, rng: np.zeros(len(relation))))
    assert finding.verdict is Verdict.VOID
    assert "permutation floor" in finding.reason


def test_no_knowledge_neuron_anywhere():
    evidence = population(two_kinds, facts=5)
    finding = OTSU.decide(replace(evidence, sets=QuerySets.from_lists([[]] * 480)))
    assert finding.verdict is Verdict.VOID
    assert (finding.estimate, finding.n_facts) == (None, 0)


def test_without_a_retest_nothing_is_said():
    with pytest.raises(ConfigError, match="without a retest"):
        OTSU.decide(replace(population(two_kinds), retest=None))


@pytest.mark.parametrize("setting", [{"margin": 0.0}, {"splits": 0}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} of separation"):
        replace(OTSU, **setting)
