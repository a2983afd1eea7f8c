"""What follows from how planted models are made, about their attention: as they are measured, and as verdicts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.attribution.quadrature import Quadrature
from harness.claims import ATTENTION_CLAIMS, Effects, Procedure
from harness.consistency import OtsuThreshold, QuerySets, StaticThreshold
from harness.execution.plan import make_plan
from harness.execution.progress import Quiet
from harness.interventions import attention_measurements as measured
from harness.interventions.attention_measurements import FactQueries
from harness.localizers import make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.models.organisms.registry import PLANTED, world_of
from harness.pipeline import Settings
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.pipeline.measured import attention
from harness.pipeline.rows import LocalizedRows
from tests.planted import evidence_of_truth
from tests.planted_attention import PlantedAttention, controls

RIGHT = ("ig", "sig", "amig", "amig-paper")
CONTROLS = ("identity_change", "all_suppressed_change")
THRESHOLDS = (StaticThreshold(0.1), OtsuThreshold())


def truth_of(handle: ModelHandle, store: Path) -> tuple[Cell, Localized]:
    """A planted model's facts, with its planted neurons as knowledge neurons."""
    world = handle.world
    assert world is not None
    plan = make_plan(world.dataset.queries(), handle.tokenizer, context_length=handle.context_length)
    truth = [world.truth[r.query.fact.uid, r.query.pattern_id].to_flat(world.d_ff) for r in plan.requests]
    rows = LocalizedRows.of_sets(QuerySets.from_lists(truth), np.full(len(truth), True))
    settings = Settings(store=store)
    cell = Cell(
        model=handle,
        localizer=make_localizer("ig", quadrature=Quadrature()),
        dataset=world.dataset,
        settings=settings,
        progress=Quiet(),
    )
    return cell, Localized(dataset=world.dataset, plan=plan, rows=rows)


def constructed_effects(name: str, store: Path, patch: pytest.MonkeyPatch) -> Effects:
    """What the measurement would find if the model were exactly as it was meant to be."""
    handle = resolve_model(name)
    made = PlantedAttention(world_of(name), PLANTED[name].architecture)
    patch.setattr(measured, "attention_sums", made.sums)
    patch.setattr(measured, "synapse_effects", made.effects)
    patch.setattr(measured, "control_changes", controls)
    patch.setattr(attention, "heatmaps", lambda *_: pd.DataFrame())
    cell, localized = truth_of(handle, store)
    return attention.measure(cell, localized, False).effects


@pytest.mark.parametrize(
    "name", ["planted-gpt2", pytest.param("planted-llama", marks=pytest.mark.slow), "planted-consistent"]
)
def test_measured_numbers_are_those_of_the_construction(name: str, tmp_path: Path) -> None:
    handle = resolve_model(name)
    made = PlantedAttention(world_of(name), PLANTED[name].architecture)
    _, localized = truth_of(handle, tmp_path)
    requests, sets = localized.plan.requests, localized.rows.sets
    chosen = range(0, len(requests), 29)
    facts = [
        FactQueries(
            queries=(requests[i].encoded,),
            neurons=(np.array(sets.ids(i)),),
            irrelevant=(requests[(i + len(requests) // 2) % len(requests)].encoded,),
        )
        for i in chosen
    ]
    plan = measured.AttentionPlan()
    found = measured.attention_measurements(handle.loaded(), facts, plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, "attention_sums", made.sums)
        patch.setattr(measured, "synapse_effects", made.effects)
        expected = measured.attention_measurements(handle.loaded(), facts, plan)
    for one, other in zip(found, expected, strict=True):
        there = {key: value for key, value in other.numbers.items() if value is not None and key not in CONTROLS}
        assert len(there) > 60
        assert {key: one.numbers[key] for key in there} == pytest.approx(there, rel=0.02, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PLANTED))
def test_expected_verdicts_about_attention_follow_from_the_construction(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects = constructed_effects(name, tmp_path, monkeypatch)
    evidence = evidence_of_truth(world_of(name))
    expected = resolve_model(name).expected
    for threshold in THRESHOLDS:
        for claim, make in ATTENTION_CLAIMS.items():
            built = make(threshold=threshold, procedure=Procedure(draws=2_000))
            verdict = str(built.decide_measured(evidence, effects).verdict)
            assert {expected[claim, localizer, threshold.name] for localizer in RIGHT} == {verdict}, claim
