import json
from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import pytest

from harness.claims import Claim, Prevalence, Procedure, Verdict
from harness.claims.cut import Cut, cut_values
from harness.consistency import OtsuThreshold, QuerySets, StaticThreshold, cs1_cs2
from harness.errors import ConfigError
from harness.neurons import NeuronSet
from scripts.calibration.populations import population, two_kinds

D_FF = 64
FEW = Procedure(draws=999, permutations=99)
STATIC = Prevalence(threshold=StaticThreshold(), procedure=FEW)
OTSU = Prevalence(threshold=OtsuThreshold(), procedure=FEW)
NO_KNOWLEDGE_NEURON = [[]] * 480


def queries_of(evidence, fact):
    flat, offsets = evidence.sets.neurons, evidence.sets.offsets
    return [
        NeuronSet.from_flat(flat[offsets[q] : offsets[q + 1]].tolist(), D_FF)
        for q in np.flatnonzero(evidence.fact_of_query == fact)
    ]


def test_it_is_a_claim():
    assert isinstance(STATIC, Claim)
    assert (STATIC.name, STATIC.marker, STATIC.margin) == ("prevalence", "statistical", 0.25)
    assert "25%" in STATIC.statement


@pytest.mark.parametrize("claim", [STATIC, OTSU])
@pytest.mark.parametrize(
    ("inconsistent", "verdict"), [(0.55, Verdict.SUPPORTED), (0.08, Verdict.REFUTED), (0.25, Verdict.INCONCLUSIVE)]
)
def test_the_verdict_is_the_world(world, claim, inconsistent, verdict):
    evidence = world(inconsistent)
    finding = claim.decide(evidence)
    assert finding.verdict is verdict, finding.reason
    assert finding.ci_low < finding.estimate < finding.ci_high
    assert finding.estimate == pytest.approx(inconsistent, abs=0.08)
    assert (finding.n_facts, finding.n_queries, finding.n_relations, finding.n_unscored) == (240, 1440, 12, 5)
    assert f"{finding.estimate:.1%}" in finding.reason
    assert "margin 25%" in finding.reason
    if verdict is Verdict.INCONCLUSIVE:
        assert f"{finding.extras['minimum_detectable']:.1%}" in finding.reason


def test_the_margin_decides(world):
    evidence = world(0.55)
    assert replace(STATIC, margin=0.8).decide(evidence).verdict is Verdict.REFUTED
    assert replace(STATIC, margin=0.8).decide(evidence).p_value > 0.9 > 0.01 > STATIC.decide(evidence).p_value


@pytest.mark.parametrize("claim", [STATIC, OTSU])
def test_an_interval_that_holds_the_margin_decides_nothing_on_either_side_of_it(world, claim):
    evidence = world(0.4)
    estimate = claim.decide(evidence).estimate
    for margin in (estimate - 0.01, estimate + 0.01):
        assert replace(claim, margin=margin).decide(evidence).verdict is Verdict.INCONCLUSIVE


def test_all_facts_inconsistent_is_supported_by_the_exact_interval(world):
    finding = STATIC.decide(world(1.0))
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.extras["interval_method"].startswith("Clopper-Pearson")
    assert finding.ci_low < 1.0
    assert finding.p_value < 0.001


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("claim", [STATIC, OTSU])
def test_a_random_localizer_is_void_even_if_it_agrees_with_itself(noise, claim, seed):
    finding = claim.decide(noise(agrees_with_itself=True, seed=seed))
    assert finding.verdict is Verdict.VOID, finding.reason
    assert "permutation floor" in finding.reason
    assert "retest ceiling" not in finding.reason
    assert finding.ci_low > 0.25  # the interval alone would have supported it


def test_a_random_localizer_fails_both_controls_and_both_are_named_in_order(noise):
    finding = STATIC.decide(noise(agrees_with_itself=False))
    assert finding.verdict is Verdict.VOID
    assert 0 < finding.reason.index("retest ceiling") < finding.reason.index("permutation floor")
    assert f"{finding.extras['ceiling']:.3f} against 0.300" in finding.reason


def test_disagreement_with_itself_is_void_although_facts_are_consistent(world):
    finding = STATIC.decide(world(0.55, retest=np.random.default_rng(0).permutation(4096).reshape(128, 32).tolist()))
    assert finding.verdict is Verdict.VOID
    assert "retest ceiling" in finding.reason
    assert "permutation floor" not in finding.reason


def test_a_cut_above_the_ceiling_supports_nothing(world):
    """Under a cut that a query does not reach with itself, every fact would count as inconsistent."""
    retest = [[i, 1000 + i, 2000 + 4 * i + form] for i in range(40) for form in range(4)]  # CS2 = 2/6 with itself
    finding = Prevalence(threshold=StaticThreshold(0.9)).decide(world(0.55, retest=retest))
    assert finding.ci_low > 0.25
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "above the retest ceiling of 0.333" in finding.reason


def test_a_retest_without_any_neuron_fails(world):
    finding = STATIC.decide(world(0.55, retest=[[]] * 40))
    assert finding.verdict is Verdict.VOID
    assert "undefined" in finding.reason
    assert finding.extras["ceiling"] is None


@pytest.mark.parametrize("seed", range(8))
def test_one_kind_of_facts_is_never_supported_by_otsu(homogeneous, seed):
    finding = OTSU.decide(homogeneous(seed=seed))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "one mode" in finding.reason
    assert finding.ci_low > 0.25  # the interval alone would have supported it
    assert finding.extras["modes_p"] >= 0.05


def test_few_relations_carry_no_verdict(world):
    finding = STATIC.decide(world(0.7, relations=7, facts=30))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "Fewer than 8 relations" in finding.reason
    assert finding.ci_low > 0.25


def test_one_relation_still_gives_an_estimate(world):
    finding = STATIC.decide(world(0.7, relations=1, facts=60))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.extras["t_interval"] is None
    assert finding.extras["minimum_detectable"] is None
    assert finding.estimate is not None


def test_three_queries_a_fact_are_not_enough(world):
    finding = STATIC.decide(world(0.5, k=3))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "more patterns" in finding.reason
    assert finding.estimate is None
    assert finding.extras["paper"]["n_facts"] == 240
    assert finding.extras["fewer_than_four"]["n_facts"] == 240


def test_one_fact_a_relation_leaves_nothing_to_exchange(world):
    finding = STATIC.decide(world(0.5, facts=1))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "more facts" in finding.reason
    assert finding.extras["floor_p"] is None


def test_no_knowledge_neuron_anywhere(world):
    evidence = world(0.5, facts=10, k=4)
    finding = STATIC.decide(replace(evidence, sets=QuerySets.from_lists(NO_KNOWLEDGE_NEURON)))
    assert finding.verdict is Verdict.VOID  # the floor cannot be exceeded
    assert finding.estimate is None
    assert finding.extras["undefined_facts"] == 120
    assert finding.extras["empty_sets"] == 480


@pytest.mark.parametrize("claim", [STATIC, OTSU])
def test_no_scored_query_at_all(world, claim):
    nothing = np.array([], dtype=np.int64)
    evidence = replace(
        world(0.5, facts=2),
        fact_of_query=nothing,
        pattern_of_query=nothing,
        known_query=nothing.astype(bool),
        sets=QuerySets.from_lists([]),
    )
    finding = claim.decide(evidence)
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert (finding.n_facts, finding.n_queries, finding.n_relations, finding.n_unscored) == (0, 0, 0, 5)


def test_without_a_retest_nothing_is_said(world):
    with pytest.raises(ConfigError, match="without a retest"):
        STATIC.decide(replace(world(0.5), retest=None))


def test_estimate_is_the_plain_mean_over_all_four_query_subsets(world):
    evidence = world(0.4, relations=8, facts=6, k=6)
    means = []
    for fact in range(evidence.n_facts):
        scores = [cs1_cs2(subset) for subset in combinations(queries_of(evidence, fact), 4)]
        means.append(np.mean([cs2 for _, cs2 in scores]))
    finding = STATIC.decide(evidence)
    assert finding.extras["mean_cs2"] == pytest.approx(np.mean(means))
    assert finding.estimate == pytest.approx(np.mean(np.array(means) <= 0.1))


def test_the_papers_statistic_is_on_all_queries(world):
    evidence = world(0.4, k=6)
    cs2 = np.array([cs1_cs2(queries_of(evidence, fact))[1] for fact in range(evidence.n_facts)])
    paper = STATIC.decide(evidence).extras["paper"]
    assert paper["r_consistent"] + paper["r_inconsistent"] == pytest.approx(1)
    assert paper["r_inconsistent"] == pytest.approx((cs2 <= 0.1).mean())
    assert paper["s_consistent"] == pytest.approx(cs2[cs2 > 0.1].mean())
    assert paper["s_inconsistent"] == pytest.approx(cs2[cs2 <= 0.1].mean())
    assert paper["cut"] == 0.1
    assert paper["welch_t"] > 10
    assert paper["n_facts"] == 240


def test_relations_and_known_facts_add_up(world):
    finding = STATIC.decide(world(0.4, known=0.5))
    rows = finding.extras["by_relation"].values()
    assert sum(row["n_facts"] for row in rows) == finding.n_facts
    assert sum(row["n_facts"] * row["share"] for row in rows) == pytest.approx(finding.n_facts * finding.estimate)
    known = finding.extras["known"]
    assert 0 < known["n_facts"] < finding.n_facts
    assert known["ci_low"] <= known["estimate"] <= known["ci_high"]
    assert STATIC.decide(world(0.4, known=0.0)).extras["known"]["n_facts"] == 0
    everything = STATIC.decide(world(0.4, known=1.0))
    assert everything.extras["known"]["estimate"] == everything.estimate


def test_extras_are_complete(world):
    assert set(STATIC.decide(world(0.4)).extras) == {
        "paper", "cut", "ceiling", "floor", "floor_p", "controls", "mean_cs1", "mean_cs2", "known", "fewer_than_four",
        "t_interval", "degenerate_draws", "interval_method", "modes_p", "minimum_detectable", "empty_sets",
        "valley", "facts_off_valley", "facts_on_rarer_side",
        "undefined_facts", "by_relation", "curve", "above_floor", "answer_floor", "answer_floor_p",
            "answer_floor_facts", "above_answer_floor",
    }  # fmt: skip


@pytest.mark.parametrize("claim", [STATIC, OTSU])
def test_a_finding_is_builtins_only(world, claim):
    for evidence in (world(0.5), world(0.5, k=3), world(1.0, relations=2)):
        finding = asdict(claim.decide(evidence))
        assert json.loads(json.dumps(finding, allow_nan=False)) == finding


def test_same_seed_same_finding(world):
    evidence = world(0.3, k=8)  # 70 subsets a fact, so 16 of them are drawn
    assert STATIC.decide(evidence) == STATIC.decide(evidence)
    assert STATIC.decide(evidence) != replace(STATIC, procedure=replace(FEW, seed=1)).decide(evidence)


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_margin_that_is_no_share_is_refused(margin):
    with pytest.raises(ConfigError, match="margin of prevalence"):
        Prevalence(threshold=StaticThreshold(), margin=margin)


def test_the_place_between_floor_and_ceiling():
    """1 is what a query keeps with itself, 0 what it keeps with other facts."""
    evidence = population(two_kinds)
    extras = STATIC.decide(replace(evidence, object_of_fact=np.arange(evidence.n_facts))).extras
    observed = next(control["value"] for control in extras["controls"] if control["name"] == "permutation floor")
    assert extras["ceiling"] == 1.0
    assert extras["above_floor"] == pytest.approx((observed - extras["floor"]) / (1 - extras["floor"]))
    assert extras["above_answer_floor"] == pytest.approx(extras["above_floor"], abs=0.05)
    assert extras["answer_floor_facts"] == 360


def test_the_curve_holds_the_estimate_at_its_threshold():
    finding = STATIC.decide(population(two_kinds))
    curve = finding.extras["curve"]
    assert len(curve["cuts"]) == 20
    at = curve["cuts"].index(0.1)
    assert curve["shares"][at] == pytest.approx(finding.estimate)
    assert curve["low"][at] <= finding.estimate <= curve["high"][at]


def test_a_cut_away_from_the_valley_decides_nothing():
    """Few facts are low, so Otsu cuts the heap of the others; the valley lies where nobody is."""
    rng = np.random.default_rng(0)
    cs2 = np.concatenate([rng.normal(0.03, 0.01, 30), rng.normal(0.5, 0.12, 570)]).clip(0, 1)
    cut = cut_values(cs2, np.arange(600) % 20, OtsuThreshold(), resolution=0.0, rng=rng)
    assert cut.modes_p is not None
    assert cut.modes_p < 0.02
    assert cut.valley is not None
    assert cut.between == pytest.approx(((cs2 > cut.valley) & (cs2 <= cut.value)).mean())
    reason = cut.undecided()
    assert reason is not None
    assert "does not part the modes" in reason
    assert f"which parts off {min((cs2 <= cut.valley).mean(), (cs2 > cut.valley).mean()):.1%}" in reason
    assert f"static:{cut.valley:.2g}" in reason


def test_few_of_all_facts_may_be_many_of_the_rare_kind():
    """A twentieth lies off the valley: little beside two halves, too much beside a tenth."""
    at = {"value": 0.3, "threshold": "otsu", "modes_p": 0.005, "valley": 0.15, "between": 0.05}
    assert Cut(**at, rarer=0.4).undecided() is None
    assert "does not part" in (Cut(**at, rarer=0.1).undecided() or "")


def test_a_cut_in_the_valley_decides():
    rng = np.random.default_rng(0)
    cs2 = np.concatenate([rng.normal(0.05, 0.02, 300), rng.normal(0.6, 0.1, 300)]).clip(0, 1)
    assert cut_values(cs2, np.arange(600) % 20, OtsuThreshold(), resolution=0.0, rng=rng).undecided() is None
