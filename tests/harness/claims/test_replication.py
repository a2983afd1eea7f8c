import json
from dataclasses import asdict, replace

import numpy as np
import pingouin
import pytest

from harness.claims import Claim, Printed, Procedure, Replication, Verdict
from harness.claims.replication import compared_with
from harness.consistency import OtsuThreshold, StaticThreshold
from harness.errors import ConfigError
from harness.statistics import cluster_bootstrap
from scripts.calibration.populations import population

PRINTED = Printed(r_inconsistent=0.5, s_consistent=0.8, s_inconsistent=0.1, cut=0.3)
CLAIM = Replication(threshold=StaticThreshold(0.3), printed=PRINTED, procedure=Procedure(draws=999, permutations=99))


def evidence_of(share, *, relations=24, facts=60):
    """Exactly this share of the facts of every relation is inconsistent, give or take 5 %."""

    def rates(relation, rng):
        of_relation = share + 0.05 * rng.uniform(-1, 1, relations)
        place = np.tile(np.arange(facts) / facts, relations)
        return np.where(place < of_relation[relation], 0.02, 0.92)

    return population(rates, relations=relations, facts=facts, k=4)


def test_it_is_a_claim():
    assert isinstance(CLAIM, Claim)
    assert (CLAIM.name, CLAIM.marker, CLAIM.margin) == ("replication", "statistical", 0.05)


@pytest.mark.parametrize("threshold", [StaticThreshold(0.3), OtsuThreshold()])
@pytest.mark.parametrize(
    ("printed", "verdict", "word"),
    [
        (0.5, Verdict.SUPPORTED, "replicates"),
        (0.7, Verdict.REFUTED, "differs"),
        (0.3, Verdict.REFUTED, "differs"),
        (0.55, Verdict.INCONCLUSIVE, "inconclusive"),
    ],
)
def test_the_verdict_is_the_distance_from_what_is_printed(threshold, printed, verdict, word):
    finding = replace(CLAIM, threshold=threshold, printed=replace(PRINTED, r_inconsistent=printed)).decide(
        evidence_of(0.5)
    )
    assert finding.verdict is verdict, finding.reason
    assert finding.extras["replication"] == word
    assert word in finding.reason.lower()
    assert finding.paper_value == printed
    assert finding.estimate == finding.extras["paper"]["r_inconsistent"]
    narrow = finding.extras["equivalence_interval"]
    assert finding.ci_low < narrow[0] < finding.estimate < narrow[1] < finding.ci_high
    assert json.loads(json.dumps(asdict(finding)))["verdict"] == verdict


def test_means_of_both_classes_stand_beside_it():
    finding = CLAIM.decide(evidence_of(0.5))
    paper, beside = finding.extras["paper"], finding.extras["beside"]
    for name in ("s_consistent", "s_inconsistent"):
        assert beside[name]["estimate"] == pytest.approx(paper[name])
        assert beside[name]["interval"][0] < paper[name] < beside[name]["interval"][1]
    far = replace(PRINTED, s_consistent=0.2)
    assert replace(CLAIM, printed=far).decide(evidence_of(0.5)).extras["beside"]["s_consistent"]["replication"] == (
        "differs"
    )


def test_other_facts_than_the_papers_are_not_compared_and_the_reason_says_why():
    finding = replace(CLAIM, obstacle="leave out --limit").decide(evidence_of(0.5))
    assert (finding.verdict, finding.reason) == (Verdict.NOT_APPLICABLE, "leave out --limit")
    assert finding.extras["replication"] is None


def test_a_random_localizer_replicates_nothing():
    noise = population(lambda relation, rng: np.zeros(len(relation)), relations=24, k=4)
    everything = replace(CLAIM, printed=replace(PRINTED, r_inconsistent=1.0))
    finding = everything.decide(noise)
    assert finding.estimate == 1.0
    assert finding.verdict is Verdict.VOID


def test_few_relations_replicate_nothing():
    assert "Fewer than 8 relations" in CLAIM.decide(evidence_of(0.5, relations=7)).reason


@pytest.mark.parametrize("printed", [0.46, 0.5, 0.53, 0.56])
def test_two_one_sided_tests_come_to_the_same_as_pingouins(printed):
    """Clusters of one fact: the bootstrap's interval is then nearly Student's, which pingouin's test is made of."""
    values = np.clip(0.5 + 0.25 * np.random.default_rng(0).standard_normal(400), 0, 1)
    found = cluster_bootstrap(values, np.ones(400), draws=9999, rng=np.random.default_rng(0))
    p = pingouin.tost(values, printed, bound=0.05)["pval"].iloc[0]
    assert (compared_with(printed, 0.05, found) is Verdict.SUPPORTED) == (p < 0.05)


def test_a_margin_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="margin of replication"):
        replace(CLAIM, margin=0.0)
