import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from harness.claims import Claim, PrevalenceByRelation, Procedure, Verdict
from harness.consistency import OtsuThreshold, QuerySets, StaticThreshold
from harness.errors import ConfigError
from scripts.calibration.populations import graded, population, two_kinds

CLAIM = PrevalenceByRelation(threshold=StaticThreshold(0.2), procedure=Procedure(permutations=99))


def low_in(n):
    """The first n relations are of low consistency but for a fifth of their facts, the others the other way round."""

    def rates(relation, rng):
        low = (relation < n) ^ (np.arange(len(relation)) % 5 == 0)
        return np.where(low, 0.05, 0.9)

    return rates


def of_random_relations(share):
    """Each relation is of low consistency with this probability."""
    return lambda relation, rng: np.where((rng.random(relation.max() + 1) < share)[relation], 0.1, 0.8)


def test_it_is_a_claim():
    assert isinstance(CLAIM, Claim)
    assert (CLAIM.name, CLAIM.marker, CLAIM.margin) == ("prevalence_by_relation", "statistical", 0.5)
    assert "50%" in CLAIM.statement


@pytest.mark.parametrize(("n", "verdict"), [(11, Verdict.SUPPORTED), (1, Verdict.REFUTED), (7, Verdict.INCONCLUSIVE)])
def test_the_verdict_is_the_world(n, verdict):
    finding = CLAIM.decide(population(low_in(n), facts=10, k=5))
    assert finding.verdict is verdict, finding.reason
    assert finding.estimate == pytest.approx(n / 12)
    assert (finding.n_facts, finding.n_relations) == (120, 12)
    assert finding.extras["by_relation"]["R0"]["share"] == pytest.approx(0.8, abs=0.11)
    assert finding.extras["by_relation"]["R11"]["share"] == pytest.approx(0.2, abs=0.11)
    assert json.loads(json.dumps(asdict(finding)))["verdict"] == verdict
    if verdict is Verdict.INCONCLUSIVE:
        assert "10 of 12 would have been enough" in finding.reason


@pytest.mark.slow
def test_a_share_at_the_margin_is_hardly_ever_supported_and_a_high_one_mostly():
    supported = {}
    for share in (0.5, 0.95):
        findings = [CLAIM.decide(population(of_random_relations(share), facts=5, k=4, seed=seed)) for seed in range(40)]
        supported[share] = sum(finding.verdict is Verdict.SUPPORTED for finding in findings)
    assert supported[0.5] <= 5
    assert supported[0.95] >= 32


def test_small_relations_are_not_counted():
    evidence = population(low_in(11), facts=10, k=5)
    moved = evidence.relation_of_fact.copy()
    moved[:7] = 11  # three facts stay in the first relation
    finding = CLAIM.decide(replace(evidence, relation_of_fact=moved))
    assert finding.n_relations == 11
    assert finding.extras["small_relations"] == 1


def test_otsu_decides_only_where_there_are_two_modes():
    otsu = replace(CLAIM, threshold=OtsuThreshold())
    one, two = otsu.decide(population(graded)), otsu.decide(population(two_kinds))
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "one mode" in one.reason
    assert two.extras["modes_p"] < 0.05
    assert "one mode" not in two.reason


def test_a_cut_above_the_ceiling_supports_nothing():
    evidence = population(low_in(11), facts=10, k=5)
    retest = QuerySets.from_lists([[i, 1000 + i, 2000 + 4 * i + form] for i in range(40) for form in range(4)])
    high = replace(CLAIM, threshold=StaticThreshold(0.95))
    finding = high.decide(replace(evidence, retest=replace(evidence.retest, sets=retest)))
    assert finding.ci_low > 0.5
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "above the retest ceiling" in finding.reason


def test_few_relations_carry_no_verdict():
    finding = CLAIM.decide(population(low_in(7), relations=7, facts=10, k=5))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "Fewer than 8 relations" in finding.reason


def test_a_random_localizer_is_void():
    finding = CLAIM.decide(population(lambda relation, rng: np.zeros(len(relation)), facts=10, k=5))
    assert finding.verdict is Verdict.VOID
    assert finding.ci_low > 0.5  # the interval alone would have supported it


def test_relations_of_a_few_facts_do_not_apply():
    finding = CLAIM.decide(population(low_in(11), facts=4, k=6))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "5 facts" in finding.reason
    assert finding.estimate is None


@pytest.mark.parametrize("setting", [{"margin": 1.0}, {"fewest_facts": 0}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} of prevalence_by_relation"):
        replace(CLAIM, **setting)
