"""How often the gate is wrong, on simulated runs: evaluation draws reseeded and an editor with seeded noise.

What it takes is stated in docs/gating.md: 36 relations of 40 facts.
"""

import pandas as pd
import pytest

from harness.records import RunRecord
from reports.gate.differences import REGRESSION, compare_runs
from reports.gate.edited_run import EditedRun
from reports.gate.limits import parse_limits
from tests.reports.gate.simulated import Population, manifest

pytestmark = pytest.mark.slow

LIMITS = parse_limits("rel:-0.02@p<0.05,gen:-0.02@p<0.05,loc:-0.02@p<0.05,avg:-0.02@p<0.05,ppl:+5%@p<0.05")
RUNS = 100
ONE = {"kinds": ["erase"]}


def gated(before: pd.DataFrame, after: pd.DataFrame) -> set[str]:
    """Metrics that the gate calls worse."""
    runs = [
        EditedRun(name=name, record=RunRecord(manifest=manifest(), claims=()), edits=edits)
        for name, edits in (("before", before), ("after", after))
    ]
    found = compare_runs(*runs, LIMITS, draws=400)
    return {d.metric.name for d in found.differences if d.outcome == REGRESSION}


@pytest.fixture(scope="module")
def populations() -> list[Population]:
    return [Population(relations=36, facts=40, seed=seed) for seed in range(RUNS)]


def test_at_most_5_false_alarms_in_100_whatever_the_metric(populations):
    alarms = sum(bool(gated(p.edits(1), p.edits(2))) for p in populations)
    assert alarms <= 5


def test_at_least_90_of_100_losses_of_a_twentieth_are_found(populations):
    found = sum("gen" in gated(p.edits(1, **ONE), p.edits(2, loss=0.05, **ONE)) for p in populations)
    assert found >= 90


def test_a_loss_that_is_allowed_is_an_alarm_at_most_as_often_as_its_level_says(populations):
    alarms = sum(
        "gen" in gated(p.edits(1, kinds=["erase"]), p.edits(2, loss=0.02, kinds=["erase"])) for p in populations
    )
    assert alarms <= 11  # binomial(100, 0.05) exceeds it with a probability below 0.01
