import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from harness.claims import Agreement, JointClaim, Procedure, Verdict
from harness.consistency import StaticThreshold
from harness.errors import ConfigError
from scripts.calibration.populations import population

CLAIM = Agreement(threshold=StaticThreshold(0.3), procedure=Procedure(draws=199, permutations=99))


def evidence_of(low, *, relations=12, facts=20, seed=0, k=5):
    """A localizer that finds the facts in `low` inconsistent and the others not."""
    evidence = population(
        lambda relation, rng: np.where(low, 0.03, 0.9), relations=relations, facts=facts, k=k, seed=seed
    )
    return replace(evidence, fact_uids=tuple(f"fact-{i}" for i in range(evidence.n_facts)))


def localizers(flips, *, relations=12, facts=20, names=("amig", "ig", "sig"), share=0.5):
    rng = np.random.default_rng(0)
    low = rng.random(relations * facts) < share
    return {
        name: evidence_of(low ^ (rng.random(len(low)) < flips), relations=relations, facts=facts, seed=i)
        for i, name in enumerate(names)
    }


def test_it_is_a_claim():
    assert isinstance(CLAIM, JointClaim)
    assert (CLAIM.name, CLAIM.marker, CLAIM.margin) == ("agreement", "statistical", 0.4)
    assert "0.4" in CLAIM.statement


@pytest.mark.parametrize(
    ("flips", "verdict"), [(0.01, Verdict.SUPPORTED), (0.5, Verdict.REFUTED), (0.18, Verdict.INCONCLUSIVE)]
)
def test_the_verdict_is_the_world(flips, verdict):
    finding = CLAIM.decide_jointly(localizers(flips))
    assert finding.verdict is verdict, finding.reason
    assert finding.ci_low <= finding.estimate <= finding.ci_high
    assert finding.estimate == pytest.approx((1 - 2 * flips) ** 2, abs=0.12)
    assert (finding.n_facts, finding.n_relations) == (240, 12)
    assert json.loads(json.dumps(asdict(finding)))["verdict"] == verdict


def test_frequent_calls_alone_are_no_agreement():
    """Each calls most facts inconsistent, so all three do together; by chance."""
    rng = np.random.default_rng(0)
    apart = {name: evidence_of(rng.random(240) < 0.85, seed=i) for i, name in enumerate("abc")}
    finding = CLAIM.decide_jointly(apart)
    assert finding.extras["paper"]["unanimous_inconsistent"] > 0.55
    assert finding.extras["by_chance"] == pytest.approx(finding.extras["paper"]["unanimous_inconsistent"], abs=0.05)
    assert finding.verdict is Verdict.REFUTED


def test_one_localizer_agrees_with_nobody():
    finding = CLAIM.decide_jointly(localizers(0.0, names=("ig",)))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "--localizer ig,sig,amig" in finding.reason


def test_facts_are_paired_by_name_and_those_without_a_partner_counted():
    found = localizers(0.01, names=("a", "b"))
    order = np.random.default_rng(0).permutation(240)
    other = found["b"]
    place = np.argsort(order)
    moved = replace(
        other,
        relation_of_fact=other.relation_of_fact[order],
        fact_uids=tuple(other.fact_uids[i] for i in order),
        fact_of_query=place[other.fact_of_query],
    )
    same = CLAIM.decide_jointly(found | {"b": moved})
    assert same.estimate == pytest.approx(CLAIM.decide_jointly(found).estimate, abs=0.03)
    gone = replace(other, fact_uids=("elsewhere-0", "elsewhere-1", *other.fact_uids[2:]))
    fewer = CLAIM.decide_jointly(found | {"b": gone})
    assert fewer.n_facts == 238
    assert fewer.extras["left_out"] == {"a": 2, "b": 2}


def test_a_localizer_that_returns_noise_makes_it_void_and_is_named():
    found = localizers(0.01)
    noise = population(lambda relation, rng: np.zeros(len(relation)), facts=20, k=5)
    finding = CLAIM.decide_jointly(found | {"sig": replace(noise, fact_uids=found["sig"].fact_uids)})
    assert finding.verdict is Verdict.VOID
    assert finding.reason.startswith("sig: The permutation floor failed")


def test_one_class_is_not_enough():
    finding = CLAIM.decide_jointly(localizers(0.0, share=0.02))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "inconsistent (K_II)" in finding.reason
    assert "Take another threshold" in finding.reason


def test_few_relations_carry_no_verdict():
    finding = CLAIM.decide_jointly(localizers(0.01, relations=7, facts=30))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "Fewer than 8 relations" in finding.reason


def test_facts_without_names_are_not_paired():
    found = localizers(0.01, names=("a", "b"))
    with pytest.raises(ConfigError, match="facts of b cannot be paired"):
        CLAIM.decide_jointly(found | {"b": replace(found["b"], fact_uids=None)})


def test_no_fact_in_common():
    found = localizers(0.01, names=("a", "b"))
    strangers = tuple(f"other-{i}" for i in range(240))
    finding = CLAIM.decide_jointly(found | {"b": replace(found["b"], fact_uids=strangers)})
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "No fact has a score with every localizer" in finding.reason


def test_a_margin_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="margin of agreement"):
        replace(CLAIM, margin=1.0)
