import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from harness.claims import JointClaim, ModelSize, Procedure, Trend, Verdict
from harness.consistency import OtsuThreshold, StaticThreshold
from harness.errors import ConfigError
from scripts.calibration.populations import population

CLAIM = Trend(threshold=StaticThreshold(0.3), procedure=Procedure(draws=199, permutations=99))


def model(share, parameters, *, family="gpt2", relations=12, facts=20, seed=0):
    """A model in which this share of facts is inconsistent; the larger share holds the facts of the smaller."""
    order = np.random.default_rng(0).random(relations * facts)
    low = order < share
    evidence = population(
        lambda relation, rng: np.where(low, 0.03, 0.9), relations=relations, facts=facts, k=5, seed=seed
    )
    uids = tuple(f"fact-{i}" for i in range(evidence.n_facts))
    return replace(evidence, fact_uids=uids, model=ModelSize(family=family, parameters=parameters))


def three(*shares, **shape):
    sizes = {"small": 100_000_000, "middle": 1_000_000_000, "large": 10_000_000_000}
    return {
        name: model(share, size, seed=i, **shape)
        for i, ((name, size), share) in enumerate(zip(sizes.items(), shares, strict=True))
    }


def test_it_is_a_claim():
    assert isinstance(CLAIM, JointClaim)
    assert (CLAIM.name, CLAIM.marker, CLAIM.margin) == ("trend", "statistical", 0.05)
    assert "5%" in CLAIM.statement


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [((0.3, 0.5, 0.7), Verdict.SUPPORTED), ((0.52, 0.49, 0.5), Verdict.REFUTED), ((0.6, 0.5, 0.4), Verdict.REFUTED)],
)
def test_the_verdict_is_the_world(shares, verdict):
    finding = CLAIM.decide_jointly(three(*shares))
    assert finding.verdict is verdict, finding.reason
    assert finding.estimate == pytest.approx((shares[2] - shares[0]) / 2, abs=0.03)
    assert finding.ci_low <= finding.estimate <= finding.ci_high
    assert (finding.n_facts, finding.n_relations) == (240, 12)
    assert json.loads(json.dumps(asdict(finding)))["verdict"] == verdict
    assert list(finding.extras["models"]) == ["small", "middle", "large"]


def test_order_of_the_models_does_not_matter():
    found = three(0.3, 0.5, 0.7)
    back = dict(reversed(found.items()))
    assert asdict(CLAIM.decide_jointly(back)) == asdict(CLAIM.decide_jointly(found))


def test_page_stands_beside_it():
    extras = CLAIM.decide_jointly(three(0.3, 0.5, 0.7)).extras
    assert extras["page_p_share"] < 0.01
    assert extras["page_p_cs2"] < 0.01
    assert extras["cs2_slope"][2] < 0


def test_a_share_that_rises_while_cs2_does_too_is_not_supported():
    rng = np.random.default_rng(0)
    relation, parameters = np.repeat(np.arange(12), 30), np.array([1e8, 1e10])
    high = np.where(rng.random(360) < 0.2, 0.0, 0.35)
    low = np.where(rng.random(360) < 0.5, 0.0, 0.9)
    verdict, reason, _ = CLAIM.judged(np.stack([high, low]), relation, parameters)
    assert verdict is Verdict.REFUTED
    assert "CS2 rises" in reason


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"a": ("gpt2", 100)}, "There is one model"),
        ({"a": ("gpt2", 100), "b": ("gpt2", 150)}, "too much of a size"),
        ({"a": ("gpt2", 100), "b": ("llama", 900)}, "two families"),
        ({"a": ("gpt2", 100), "b": ("llama", 110), "c": ("gpt2", 120)}, "too much of a size"),
    ],
)
def test_models_that_show_no_trend(models, said):
    evidence = {name: model(0.5, size, family=family) for name, (family, size) in models.items()}
    finding = CLAIM.decide_jointly(evidence)
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert said in finding.reason
    assert "--model=" in finding.reason
    assert finding.estimate is None


def test_two_models_of_one_family_are_enough():
    evidence = {"a": model(0.3, 100), "b": model(0.7, 1000, seed=1)}
    finding = CLAIM.decide_jointly(evidence)
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.extras["page_p_share"] is None


def test_without_a_size_there_is_no_trend():
    evidence = three(0.3, 0.5, 0.7)
    assert (
        "size is unknown" in CLAIM.decide_jointly(evidence | {"small": replace(evidence["small"], model=None)}).reason
    )


def test_a_model_whose_control_fails_is_named():
    evidence = three(0.3, 0.5, 0.7)
    noise = population(lambda relation, rng: np.zeros(len(relation)), facts=20, k=5)
    silent = replace(noise, fact_uids=evidence["large"].fact_uids, model=evidence["large"].model)
    finding = CLAIM.decide_jointly(evidence | {"large": silent})
    assert finding.verdict is Verdict.VOID
    assert finding.reason.startswith("large: The permutation floor failed")


def test_an_estimated_cut_decides_only_where_there_are_two_modes():
    otsu = replace(CLAIM, threshold=OtsuThreshold())
    assert otsu.decide_jointly(three(0.3, 0.5, 0.7)).verdict is Verdict.SUPPORTED
    rng = np.random.default_rng(0)
    heap = np.clip(0.5 + 0.1 * rng.standard_normal((3, 360)), 0, 1)
    verdict, reason, _ = otsu.judged(heap, np.repeat(np.arange(12), 30), np.array([1e8, 1e9, 1e10]))
    assert verdict is Verdict.INCONCLUSIVE
    assert "one mode" in reason


def test_few_relations_carry_no_verdict():
    finding = CLAIM.decide_jointly(three(0.3, 0.5, 0.7, relations=7))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "Fewer than 8 relations" in finding.reason


def test_no_fact_in_common():
    evidence = three(0.3, 0.5, 0.7)
    strangers = replace(evidence["large"], fact_uids=tuple(f"other-{i}" for i in range(240)))
    finding = CLAIM.decide_jointly(evidence | {"large": strangers})
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "No fact has a score in every model" in finding.reason


def test_a_margin_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="margin of trend"):
        replace(CLAIM, margin=0.0)
