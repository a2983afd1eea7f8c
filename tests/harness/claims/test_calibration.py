"""The rules on few populations each; `calibration.py` draws thousands."""

import pytest

from tests.harness.claims.calibration import RULES, Case, clopper_pearson

DRAWS = 40
QUICK = [case for rule in ("agreement", "trend", "replication") for case in RULES[rule]() if case.relations == 24]
SLOW = [case for rule in ("separation", "prevalence") for case in RULES[rule]() if case.relations == 24]


def named(case: Case) -> str:
    return f"{case.rule}: {case.world}"


@pytest.mark.parametrize("case", QUICK, ids=named)
def test_a_rule_stands_at_99_percent(case):
    assert case.holds(sum(case.says(seed) for seed in range(DRAWS)), DRAWS)


@pytest.mark.parametrize("case", SLOW, ids=named)
def test_a_rule_about_modes_stands_at_99_percent(case):
    assert case.holds(sum(case.says(seed) for seed in range(DRAWS // 2)), DRAWS // 2)


def test_bounds_are_those_of_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    for hits in (0, 3, 40):
        assert clopper_pearson(hits, 40) == pytest.approx(proportion_confint(hits, 40, alpha=0.02, method="beta"))


def test_a_rule_that_errs_too_often_or_sees_too_little_is_rejected():
    error = Case(rule="r", world="w", relations=24, says=bool)
    power = Case(rule="r", world="w", relations=24, says=bool, power=0.9)
    assert error.holds(100, 2000)
    assert not error.holds(140, 2000)
    assert power.holds(1780, 2000)
    assert not power.holds(1700, 2000)
