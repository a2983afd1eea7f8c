"""Attention measured on a small planted model: stored, resumed, voided, refused, and drawn."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.attribution.quadrature import Quadrature
from harness.claims import ATTENTION_CLAIMS, Effects, Finding, Procedure, Verdict
from harness.consistency import QuerySets, StaticThreshold
from harness.errors import StoreError
from harness.execution.plan import make_plan
from harness.execution.progress import Quiet
from harness.interventions import synapse_controls
from harness.localizers import make_localizer
from harness.pipeline import Settings
from harness.pipeline.cell import Cell
from harness.pipeline.localized import Localized
from harness.pipeline.measured import MEASUREMENTS, Measured, attention
from harness.pipeline.rows import LocalizedRows
from tests.planted import SMALL, evidence_of_truth, planted_handle

RECIPE = replace(SMALL, name="attention", relations=9, facts=6)


def cell_of(store: Path, **settings: Any) -> tuple[Cell, Localized]:
    """The planted facts, with the planted neurons as knowledge neurons."""
    handle = planted_handle(RECIPE, "gpt2")
    world = handle.world
    assert world is not None
    plan = make_plan(world.dataset.queries(), handle.tokenizer, context_length=handle.context_length)
    truth = [world.truth[r.query.fact.uid, r.query.pattern_id].to_flat(world.d_ff) for r in plan.requests]
    rows = LocalizedRows.of_sets(QuerySets.from_lists(truth), np.full(len(truth), True))
    cell = Cell(
        model=handle,
        localizer=make_localizer("ig", quadrature=Quadrature()),
        dataset=world.dataset,
        settings=Settings(store=store, **settings),
        progress=Quiet(),
    )
    return cell, Localized(dataset=world.dataset, plan=plan, rows=rows)


def decided(claim: str, effects: Effects) -> Finding:
    world = planted_handle(RECIPE, "gpt2").world
    assert world is not None
    built = ATTENTION_CLAIMS[claim](threshold=StaticThreshold(0.1), procedure=Procedure(draws=200))
    return built.decide_measured(evidence_of_truth(world), effects)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def measured(store: Path) -> Measured:
    return attention.measure(*cell_of(store), False)


def test_every_claim_finds_its_numbers_and_a_verdict(measured: Measured) -> None:
    for claim in ATTENTION_CLAIMS:
        finding = decided(claim, measured.effects)
        assert finding.verdict is not Verdict.VOID
        assert finding.extras["measured_facts"] == 54
    finding = decided("selection_value_suppress", measured.effects)
    assert finding.verdict is Verdict.SUPPORTED
    assert [control["passed"] for control in finding.extras["measurement_controls"]] == [True, True]  # type: ignore[index,union-attr]


def test_the_average_is_that_of_both_and_numbers_are_per_fact(measured: Measured) -> None:
    values = measured.effects.values
    both = values["log_p_suppress_self"] + values["log_p_enhance_self"]
    np.testing.assert_allclose(values["log_p_average_self"], both / 2)
    table = measured.table
    assert len(table) == 54
    assert table["relation"].nunique() == 9
    np.testing.assert_array_equal(table["value_enhance_random_printed"], values["value_enhance_random_printed"])


def test_what_is_stored_needs_no_model(store: Path, measured: Measured) -> None:
    cell, localized = cell_of(store)
    again = attention.measure(cell, localized, True)
    assert cell.model.n_loads == 0
    pd.testing.assert_frame_equal(again.table, measured.table)
    pd.testing.assert_frame_equal(again.drawn["heatmaps"], measured.drawn["heatmaps"])


def test_another_seed_is_another_measurement(store: Path, measured: Measured) -> None:
    with pytest.raises(StoreError, match="missing"):
        attention.measure(*cell_of(store, seed=1), True)


def test_what_broke_off_goes_on(tmp_path: Path, measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    whole = attention.attention_measurements

    def interrupted(*args: Any, **kwargs: Any) -> Sequence[Any]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(len(args[1]))
        return whole(*args, **kwargs)

    monkeypatch.setattr(attention, "attention_measurements", interrupted)
    with pytest.raises(KeyboardInterrupt):
        attention.measure(*cell_of(tmp_path), False)
    done.clear()
    done.append(0)
    with pytest.raises(KeyboardInterrupt):
        attention.measure(*cell_of(tmp_path), False)
    assert done == [0, 16]
    monkeypatch.undo()
    found = attention.measure(*cell_of(tmp_path), False)
    pd.testing.assert_frame_equal(found.table, measured.table)


def test_an_intervention_that_does_nothing_voids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synapse_controls, "scaling_synapses", lambda *_: nullcontext())
    effects = attention.measure(*cell_of(tmp_path, measured_facts=2), False).effects
    finding = decided("selection_answer_suppress", effects)
    assert finding.verdict is Verdict.VOID
    assert "control of suppressed attention failed" in finding.reason


def test_a_machinery_that_changes_the_model_voids(measured: Measured) -> None:
    values = {**measured.effects.values, "identity_change": np.array([0.0, 1e-7])}
    controls = attention._controls({**values, "all_suppressed_change": np.ones(2)})
    finding = decided("predominance", replace(measured.effects, controls=controls))
    assert finding.verdict is Verdict.VOID
    assert "control of idle synapses failed (1e-07 against 0)" in finding.reason


@pytest.mark.parametrize(
    ("change", "says"), [({"open_attention": False}, "attention interface"), ({"masked": True}, "masked")]
)
def test_a_model_whose_attention_is_not_open_is_not_applicable(
    tmp_path: Path, change: dict[str, bool], says: str
) -> None:
    cell, localized = cell_of(tmp_path)
    cell.model.__dict__["shape"] = replace(cell.model.shape, **change)  # type: ignore[arg-type]
    for stored in (False, True):
        found = attention.measure(cell, localized, stored)
        finding = decided("contrast", found.effects)
        assert finding.verdict is Verdict.NOT_APPLICABLE
        assert says in finding.reason
        assert "gpt2 or" in finding.reason
        assert MEASUREMENTS["attention"].figures(found, {"static:0.1": np.zeros(54)}) == {}
    assert cell.model.n_loads == 0


def test_where_s_is_the_first_position_the_other_reading_carries_the_verdict(
    store: Path, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measured.effects.remark is None
    np.testing.assert_array_equal(
        measured.effects.values["value_suppress_self"], measured.effects.values["value_suppress_self_printed"]
    )
    monkeypatch.setattr(attention, "MOST_FIRST", 0.1)
    found = attention.measure(*cell_of(store), True).effects
    np.testing.assert_array_equal(
        found.values["value_suppress_self"], found.values["value_suppress_self_without_first"]
    )
    finding = decided("selection_value_suppress", found)
    assert finding.reason.endswith("S per column and without the first position carries the verdict.")
    assert finding.extras["carrying_reading"] == "without_first"


def test_one_relation_has_no_irrelevant_query(tmp_path: Path) -> None:
    cell, _ = cell_of(tmp_path)
    dataset = cell.dataset.only([cell.dataset.relations[0].name])
    plan = make_plan(dataset.queries(), cell.model.tokenizer, context_length=None)
    n = len(plan.requests)
    rows = LocalizedRows.of_sets(QuerySets.from_lists([[0, 1]] * n), np.full(n, True))
    found = attention.measure(replace(cell, dataset=dataset), Localized(dataset=dataset, plan=plan, rows=rows), False)
    assert found.effects.excluded == {"there is no query of another relation": 6}
    assert np.isnan(found.effects.values["log_p_suppress_self"]).all()
    assert np.isfinite(found.effects.values["predominance_column"]).all()


def test_figures(measured: Measured) -> None:
    consistent = np.resize([1.0, 0.0, np.nan], 54)
    drawn = MEASUREMENTS["attention"].figures(measured, {"static:0.1": consistent})
    assert set(drawn) == {"figure-1", "figure-5", "figure-6", "figure-7", "figure-10"}
    violins = drawn["figure-5"]
    assert list(violins) == ["threshold", "group", "value"]
    assert violins["group"].value_counts().to_dict() == {"K_I": 18, "K_II": 18}
    bars = drawn["figure-6"]
    assert list(bars) == ["threshold", "group", "bar", "estimate", "ci_low", "ci_high", "n_facts"]
    row = bars[(bars["group"] == "K_II Δ log p") & (bars["bar"] == "Self (S) Sup")].iloc[0]
    assert row["estimate"] == pytest.approx(measured.effects.values["log_p_suppress_self"][consistent == 0].mean())
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    plain, suppressed = drawn["figure-1"], drawn["figure-7"]
    assert list(plain) == ["title", "row", "column", "value"]
    assert plain["title"].nunique() == 4
    assert drawn["figure-10"]["title"].nunique() == 12
    assert (suppressed["value"] > 5).sum() < (plain["value"] > 5).sum()
