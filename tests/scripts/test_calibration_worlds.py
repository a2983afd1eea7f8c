"""What the simulations take for the truth, against plain recounting; and every rule on few populations."""

import numpy as np
import pytest

from harness.claims.description import CURVE_CUTS
from scripts.calibration.case import Case
from scripts.calibration.criterion import Proportion, errs, is_blind
from scripts.calibration.joint import kappa_of, relations_of_calls, shares_of_models, slope_of
from scripts.calibration.results import all_cases
from scripts.calibration.rules import RULES, Rule
from scripts.calibration.shares import cs2_of, decides, half_at_or_below, low_facts, relations_with_most, share_at_otsu


def test_shares_of_relations_have_the_mean_and_the_correlation_that_was_asked():
    low, relation = low_facts(0.25, 0.2, 20_000, 10, np.random.default_rng(1))
    of_relation = np.bincount(relation, low) / 10
    assert low.mean() == pytest.approx(0.25, abs=0.005)
    # Var of a relation's share = p (1 - p) (rho + (1 - rho) / n).
    assert of_relation.var() == pytest.approx(0.25 * 0.75 * (0.2 + 0.8 / 10), rel=0.03)
    assert (of_relation > 0.5).mean() == pytest.approx(relations_with_most(0.25, 0.2, 10), abs=0.01)


def test_the_true_curve_is_that_of_very_many_facts():
    rng = np.random.default_rng(1)
    cs2 = cs2_of(rng.random(200_000) < 0.5, rng)
    shares = [(cs2 <= cut).mean() for cut in CURVE_CUTS]
    assert shares == pytest.approx(half_at_or_below(CURVE_CUTS).tolist(), abs=0.005)
    assert half_at_or_below(np.array([0.1]))[0] == 0.5


def test_otsu_parts_even_kinds_near_where_they_were_mixed():
    assert share_at_otsu(0.5) == pytest.approx(0.5, abs=0.05)


def test_where_otsu_does_not_part_a_rare_kind_the_truth_is_its_share_and_it_is_seldom_let_to_decide():
    assert share_at_otsu(0.05) == 0.05
    decided = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        low, relation = low_facts(0.05, 0.2, 12, 30, rng)
        decided += decides(cs2_of(low, rng), relation, 0.05, rng)
    assert decided < 10


@pytest.mark.parametrize("error", [None, 0.1])
def test_kappa_is_that_of_a_plain_recount(error: float | None):
    rng = np.random.default_rng(2)
    share, errors, _ = relations_of_calls(error, 200, rng)
    apart = by_chance = 0.0
    for s, e in zip(share, errors, strict=True):
        kinds = rng.random((2, 2000)) < s
        one, two = (kinds[0 if error is not None else i] ^ (rng.random(2000) < e) for i in range(2))
        apart += (one != two).mean()
        by_chance += one.mean() * (1 - two.mean()) + two.mean() * (1 - one.mean())
    assert 1 - apart / by_chance == pytest.approx(kappa_of(error), abs=0.04)


def test_the_slope_is_the_rise_a_tenfold_size():
    shares = shares_of_models(0.2, 50_000, np.random.default_rng(3)).mean(axis=1)
    slope = np.polyfit(np.log10([1.2e8, 7e8, 8e9]), shares, 1)[0]
    assert slope == pytest.approx(slope_of(0.2), abs=0.003)


DRAWS = {"localizations": 8}
OF_EFFECTS = ("effects", "selection", "edits")
"""Topics whose cases have 20 facts a relation."""


def drawn(rule: Rule, world: str, facts: int) -> Proportion:
    cases = [case for case in all_cases().values() if matches(case, rule, world, facts)]
    draws = DRAWS.get(rule.topic, 20)
    return Proportion(sum(rule.says in cases[0].drawn(draw) for draw in range(draws)), draws)


def matches(case: Case, rule: Rule, world: str, facts: int) -> bool:
    return (case.topic, case.world, case.relations, case.facts) == (rule.topic, world, 24, facts)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_does_not_err_beyond_doubt(rule: Rule):
    for world in rule.wrong:
        assert not errs(drawn(rule, world, 20 if rule.topic in OF_EFFECTS else 30), 24), world


@pytest.mark.slow
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.asked], ids=lambda rule: rule.name)
def test_a_rule_is_not_blind_beyond_doubt(rule: Rule):
    assert not is_blind(drawn(rule, rule.asked or "", rule.facts))
