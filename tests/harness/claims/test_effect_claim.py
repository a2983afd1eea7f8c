import numpy as np
import pytest

from harness.claims import Comparison, Control, EffectClaim, Effects, Facts, MeasuredClaim, Procedure
from harness.claims.compared import compare
from harness.claims.effect_claim import classes_of
from harness.consistency import StaticThreshold
from harness.errors import ConfigError
from harness.statistics import cluster_bootstrap

THRESHOLD = StaticThreshold(0.1)
PROCEDURE = Procedure(draws=400)


def claim(*comparisons, **changes):
    settings = {
        "name": "self_over_others",
        "says": "suppressing a query's own neurons lowers its answer more",
        "marker": "mapping",
        "reads": "mapping",
        "comparisons": comparisons or (Comparison(label="own minus others", first="own", second="others"),),
        "threshold": THRESHOLD,
        "procedure": PROCEDURE,
    }
    return EffectClaim(**{**settings, **changes})


def effects_of(evidence, consistent, *, of_two=1.0, of_one=0.0, noise=0.3, seed=0, **changes):
    """`own` exceeds `others` by a mean that depends on the class, and relations shift it."""
    rng = np.random.default_rng(seed)
    shift = 0.1 * rng.standard_normal(len(evidence.relation_names))[evidence.relation_of_fact]
    others = rng.standard_normal(evidence.n_facts)
    mean = np.where(consistent == 1, of_one, of_two)
    values = {"own": others + mean + shift + noise * rng.standard_normal(evidence.n_facts), "others": others}
    return Effects(**{"values": values, **changes})


@pytest.fixture
def evidence(world):
    return world(0.5)


@pytest.fixture
def consistent(evidence):
    return classes_of(evidence, THRESHOLD, PROCEDURE)[0]


def test_it_is_a_measured_claim_and_its_own_configuration():
    assert isinstance(claim(), MeasuredClaim)
    assert hash(claim()) == hash(claim())
    assert claim().statement.endswith("(margin 0)")


def test_the_estimate_is_the_mean_difference_of_the_class(evidence, consistent):
    effects = effects_of(evidence, consistent)
    difference = effects.values["own"] - effects.values["others"]
    expected = {
        Facts.ALL: difference.mean(),
        Facts.CONSISTENT: difference[consistent == 1].mean(),
        Facts.INCONSISTENT: difference[consistent == 0].mean(),
        Facts.DIFFERENCE: difference[consistent == 0].mean() - difference[consistent == 1].mean(),
    }
    for facts, mean in expected.items():
        found = claim(Comparison(label="x", first="own", second="others", facts=facts))
        assert found.decide_measured(evidence, effects).estimate == pytest.approx(mean), facts


@pytest.mark.parametrize(("of_two", "verdict"), [(1.0, "SUPPORTED"), (0.0, "INCONCLUSIVE"), (-1.0, "REFUTED")])
def test_the_interval_decides(evidence, consistent, of_two, verdict):
    found = claim(Comparison(label="x", first="own", second="others", facts=Facts.INCONSISTENT)).decide_measured(
        evidence, effects_of(evidence, consistent, of_two=of_two)
    )
    assert found.verdict == verdict
    assert found.ci_low < found.estimate < found.ci_high


def test_the_interval_is_that_of_the_cluster_bootstrap(evidence, consistent):
    effects = effects_of(evidence, consistent)
    values = effects.values["own"] - effects.values["others"]
    totals = np.bincount(evidence.relation_of_fact, values)
    sizes = np.bincount(evidence.relation_of_fact).astype(float)
    rng = PROCEDURE.generator("self_over_others", "bootstrap")
    interval = cluster_bootstrap(totals, sizes, draws=400, rng=rng).interval()
    found = claim().decide_measured(evidence, effects)
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high))


def test_the_worst_comparison_decides(evidence, consistent):
    effects = effects_of(evidence, consistent, of_two=1.0, of_one=-1.0)
    both = [
        Comparison(label=str(f), first="own", second="others", facts=f) for f in (Facts.INCONSISTENT, Facts.CONSISTENT)
    ]
    found = claim(*both).decide_measured(evidence, effects)
    assert found.verdict == "REFUTED"
    assert "1 REFUTED, 1 SUPPORTED" in found.reason
    assert found.estimate < 0
    assert found.p_value == pytest.approx(1.0)
    assert [row["verdict"] for row in found.extras["comparisons"]] == ["SUPPORTED", "REFUTED"]


def test_what_does_not_decide_stands_in_the_row_only(evidence, consistent):
    effects = effects_of(evidence, consistent, of_two=1.0, of_one=-1.0)
    one = Comparison(label="a", first="own", second="others", facts=Facts.INCONSISTENT)
    other = Comparison(label="b", first="own", second="others", facts=Facts.CONSISTENT, decides=False)
    found = claim(one, other).decide_measured(evidence, effects)
    assert found.verdict == "SUPPORTED"
    assert [row["decides"] for row in found.extras["comparisons"]] == [True, False]


def test_a_negative_margin_of_its_own_asks_for_not_worse(evidence, consistent):
    effects = effects_of(evidence, consistent, of_two=0.0, of_one=0.0)
    found = claim(Comparison(label="x", first="own", second="others", margin=-0.5)).decide_measured(evidence, effects)
    assert (found.verdict, found.margin) == ("SUPPORTED", -0.5)


def test_facts_without_a_number_do_not_count(evidence, consistent):
    effects = effects_of(evidence, consistent)
    effects.values["own"][::2] = np.nan
    found = claim().decide_measured(evidence, effects)
    left = np.arange(evidence.n_facts) % 2 == 1
    assert found.n_facts == left.sum()
    assert found.n_queries == evidence.queries_of_fact[left].sum()
    assert found.estimate == pytest.approx((effects.values["own"] - effects.values["others"])[left].mean())


def test_a_class_with_too_few_facts_is_not_applicable(world):
    evidence = world(0.0)
    consistent = classes_of(evidence, THRESHOLD, PROCEDURE)[0]
    found = claim(Comparison(label="x", first="own", facts=Facts.INCONSISTENT)).decide_measured(
        evidence, effects_of(evidence, consistent)
    )
    assert found.verdict == "NOT_APPLICABLE"
    assert "inconsistent (K_II) facts" in found.reason
    assert "--threshold" in found.reason
    assert found.estimate is None


def test_few_relations_carry_no_verdict(world):
    evidence = world(0.5, relations=6)
    consistent = classes_of(evidence, THRESHOLD, PROCEDURE)[0]
    found = claim().decide_measured(evidence, effects_of(evidence, consistent, of_two=5.0, of_one=5.0))
    assert found.verdict == "INCONCLUSIVE"
    assert "Fewer than 8 relations" in found.reason


def test_a_failed_control_of_the_measurement_voids_and_is_named(evidence, consistent):
    control = Control(name="control of interventions", passed=False, value=0.0, bound=0.0, explanation="nothing moved")
    found = claim().decide_measured(evidence, effects_of(evidence, consistent, controls=(control,)))
    assert found.verdict == "VOID"
    assert "control of interventions" in found.reason
    assert found.estimate is None


def test_a_localizer_that_fails_its_controls_voids(noise):
    evidence = noise(agrees_with_itself=False)
    found = claim().decide_measured(evidence, effects_of(evidence, np.zeros(evidence.n_facts)))
    assert found.verdict == "VOID"
    assert "retest ceiling" in found.reason


def test_what_the_model_does_not_allow_is_not_applicable(evidence, consistent):
    nothing = Effects(values={}, obstacle="GPT-J computes attention itself; take another model.")
    assert claim().decide_measured(evidence, nothing).reason.startswith("GPT-J")
    effects = effects_of(evidence, consistent, absent={"own": "perplexity means nothing here"})
    found = claim().decide_measured(evidence, effects)
    assert (found.verdict, "perplexity means nothing" in found.reason) == ("NOT_APPLICABLE", True)


def test_a_quantity_that_was_not_measured_is_named_with_near_ones(evidence, consistent):
    with pytest.raises(ConfigError, match="others"):
        claim(Comparison(label="x", first="other")).decide_measured(evidence, effects_of(evidence, consistent))


def test_quantities_of_other_facts_are_refused():
    with pytest.raises(ConfigError, match="one number a fact"):
        Effects(values={"a": np.zeros(3), "b": np.zeros(4)})


@pytest.mark.parametrize(
    "changes", [{"margin": float("nan")}, {"comparisons": (Comparison(label="x", first="own", decides=False),)}]
)
def test_a_claim_that_can_decide_nothing_is_refused(changes):
    with pytest.raises(ConfigError):
        claim(**changes)


def test_draws_without_a_class_are_counted(world):
    """Every consistent fact lies in five relations of twelve: many draws miss none, few miss all of them."""
    evidence = world(0.5)
    consistent = np.where(evidence.relation_of_fact < 5, 1.0, 0.0)
    compared = compare(
        Comparison(label="x", first="own", facts=Facts.DIFFERENCE),
        effects_of(evidence, consistent),
        evidence.relation_of_fact,
        consistent,
        margin=0.0,
        procedure=PROCEDURE,
        generator=lambda purpose: PROCEDURE.generator("x", purpose),
    )
    assert compared.n_relations == 12
    assert compared.bootstrap is not None
    assert 0 < len(compared.bootstrap.t_draws) <= 400
