"""Edits of a cell's facts: against weights written by hand and maps added up, stored, resumed, controlled, saved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from harness.claims.edits import of_betas, quantity, turned
from harness.consistency.cas import BETA_GRID, Betas
from harness.data.passages import load_passages, text_fingerprint
from harness.editing import Identity, KnowledgeNeurons, evaluate_edits
from harness.editing.corrections import Correction, LayerCorrection
from harness.localizers import make_localizer
from harness.models.handle import resolve_model
from harness.neurons import NeuronSet
from harness.own_code import source_fingerprint
from harness.pipeline import Settings, Workspace
from harness.pipeline.measured import edit_rows, editing, reading
from harness.pipeline.measured.cas import CasFact, cas_sets
from harness.pipeline.measured.edited_facts import edited_facts
from harness.records import ClaimRow
from reports.gate.edited_run import load_edited_run

RELATIONS = ("r00", "r01", "r02")
FACTS = 9


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Localizations that all tests of this file share."""
    return tmp_path_factory.mktemp("store")


def cell_of(store: Path, **settings):
    settings = Settings(
        store=store, limit=3, relations=RELATIONS, editors=("kn-local", "kn-global", "kn-cas"), **settings
    )
    workspace = Workspace(settings)
    cell = workspace.cell(resolve_model("planted-gpt2"), make_localizer("ig", quadrature=settings.quadrature))
    return workspace, cell


@pytest.fixture(scope="module")
def measured(store):
    _, cell = cell_of(store)
    return cell, editing.measure(cell, cell.localized(), False)


def test_every_fact_is_edited_both_ways_by_every_editor(measured):
    _, found = measured
    counts = found.table.groupby(["editor", "kind"]).size()
    assert counts.to_dict() == {
        (editor, kind): FACTS for editor in ("kn-local", "kn-global", "kn-cas") for kind in ("erase", "update")
    }
    assert found.effects.excluded["not drawn to be edited"] == 0
    gen = found.effects.quantity(quantity("kn-global", "erase", "gen"))
    table = found.table[(found.table.editor == "kn-global") & (found.table.kind == "erase")]
    np.testing.assert_array_equal(gen, table.generalization)
    np.testing.assert_array_equal(found.effects.quantity(turned(quantity("kn-global", "erase", "gen"))), -gen)


def test_rows_are_those_of_edits_written_into_the_weights(measured):
    cell, found = measured
    facts = edited_facts(cell, cell.localized(stored=True), n_passages=0, with_cas=True, only_stored=True)
    rows = evaluate_edits(cell.model, facts.cases, KnowledgeNeurons(neurons="cas", in_weights=True))
    mine = found.table[found.table.editor == "kn-cas"]
    assert [row.fact_uid for row in rows] == mine.fact_uid.tolist()
    for column in ("reliability", "generalization", "locality"):
        np.testing.assert_array_equal([getattr(row.scores, column) for row in rows], mine[column])
    np.testing.assert_allclose([row.target_probability for row in rows], mine.target_probability, atol=1e-5)


def test_consistency_aware_neurons_are_those_of_the_maps(measured):
    cell, _ = measured
    localized = cell.localized(stored=True)
    uid = localized.plan.requests[0].query.fact.uid
    requests = tuple(r for r in localized.plan.requests if r.query.fact.uid == uid)
    found = cell.localizer.attribute(cell.model.loaded(), [r.encoded for r in requests], batch_size=None)
    maps = np.stack([one.scores for one in found])
    score = 0.7 * maps.mean(0) - 0.3 * maps.std(0)
    sets = cas_sets(cell, [CasFact(uid=uid, requests=requests, least=3)], only_stored=False)[uid]
    assert sets["cas"] == NeuronSet(map(tuple, np.argwhere(score > 0.3 * score.max()).tolist()))
    top = np.argsort(-score.ravel())[:3]
    assert sets["cas-matched"] == NeuronSet.from_flat(top.tolist(), cell.model.shape.d_ff)


def test_the_grid_is_edited_as_its_neurons_are(measured):
    """Against one edit after the other of the set that each pair of betas selects, written into the weights."""
    cell, found = measured
    localized = cell.localized(stored=True)
    facts = edited_facts(cell, localized, n_passages=0, with_cas=True, only_stored=True)
    number = {fact.uid: index for index, fact in enumerate(localized.dataset.facts())}
    assert any(len(set(of_fact.values())) > 1 for of_fact in facts.grid.values())
    for betas in (BETA_GRID[0], BETA_GRID[-1]):
        cases = [_of_set(case, facts.grid[case.request.fact_uid][betas]) for case in facts.cases]
        for row in evaluate_edits(cell.model, cases, KnowledgeNeurons(neurons="cas", in_weights=True)):
            for metric, column in edit_rows.METRICS.items():
                value = found.effects.quantity(quantity(of_betas(betas), row.kind, metric))[number[row.fact_uid]]
                assert value == pytest.approx(getattr(row.scores, column))
    for kind in ("erase", "update"):
        mine = found.effects.quantity(quantity(of_betas(Betas()), kind, "avg"))
        np.testing.assert_array_equal(mine, found.effects.quantity(quantity("kn-cas", kind, "avg")))


def _of_set(case, neurons):
    pairs = tuple((neuron.layer, neuron.index) for neuron in neurons)
    return replace(case, request=replace(case.request, neuron_sets={"cas": pairs}))


def test_what_is_stored_needs_no_model_and_gives_the_same(measured, store):
    _, found = measured
    _, fresh = cell_of(store)
    again = editing.measure(fresh, fresh.localized(stored=True), True)
    pd.testing.assert_frame_equal(again.table, found.table)
    assert fresh.model.n_loads == 0


def test_what_was_edited_before_an_interrupt_is_not_edited_again(measured, store, tmp_path, monkeypatch):
    """Another seed draws other edits of the same localizations."""
    asked = []

    def interrupted(source, cases, editor, **more):
        asked.append((editor.name, len(cases)))
        if editor.name == "kn-global" and len(asked) == 3:
            raise KeyboardInterrupt
        return evaluate_edits(source, cases, editor, **more)

    monkeypatch.setattr(edit_rows, "evaluate_edits", interrupted)
    monkeypatch.setattr(edit_rows, "_AT_ONCE", 10)
    _, cell = cell_of(store, seed=1)
    with pytest.raises(KeyboardInterrupt):
        editing.measure(cell, cell.localized(), False)
    assert asked == [("kn-local", 10), ("kn-local", 8), ("kn-global", 10)]
    editing.measure(cell, cell.localized(), False)
    assert asked[3:5] == [("kn-global", 10), ("kn-global", 8)]


def test_controls_hold_and_are_exact_where_nothing_changes(measured):
    _, found = measured
    nothing, something = found.effects.controls
    assert nothing.passed
    assert nothing.value <= 1e-6
    assert something.passed
    assert something.value > 1


def test_an_edit_that_changes_nothing_is_noticed(measured, monkeypatch, tmp_path):
    cell, _ = measured
    localized = cell.localized(stored=True)
    elsewhere = replace(cell, settings=replace(cell.settings, store=tmp_path, editors=("kn-global",)))
    idle = Correction(layers={})
    monkeypatch.setattr(KnowledgeNeurons, "corrections", lambda self, model, requests: [idle] * len(requests))
    effects = editing.measure(elsewhere, localized, False).effects
    assert [control.passed for control in effects.controls] == [True, False]
    verdict, reason = effects.objection()
    assert verdict == "VOID"
    assert "control of edits that change something failed (0 against 0.001)" in reason


def test_an_identity_that_changes_something_is_noticed(measured, monkeypatch, tmp_path):
    cell, _ = measured
    elsewhere = replace(cell, settings=replace(cell.settings, store=tmp_path, editors=("kn-local",)))
    honest = Identity.corrections

    def leaking(self, model, requests):
        every = torch.arange(model.d_ff)
        return [
            Correction(layers={layer: _noise(found, every) for layer, found in correction.layers.items()})
            for correction in honest(self, model, requests)
        ]

    monkeypatch.setattr(Identity, "corrections", leaking)
    effects = editing.measure(elsewhere, cell.localized(stored=True), False).effects
    assert not effects.controls[0].passed


def _noise(found: LayerCorrection, neurons: torch.Tensor) -> LayerCorrection:
    return LayerCorrection(neurons, torch.randn(len(neurons), found.delta.shape[1]))


def test_perplexity_of_a_model_that_cannot_read_is_absent_with_the_reason(measured):
    _, found = measured
    assert found.table.perplexity_change.isna().all()
    reason = found.effects.absent[quantity("kn-local", "erase", "cost")]
    assert "perplexity of 92 on the text 'embedded'" in reason
    assert found.effects.absent[quantity("fine-tuning", "erase", "gen")].startswith("no fact was edited by fine-tuning")


def test_where_it_can_read_the_cost_is_the_log_of_the_ratio(measured, monkeypatch, tmp_path):
    cell, _ = measured
    monkeypatch.setattr(reading, "MEANINGFUL_SHARE", 2.0)
    localized = cell.localized(stored=True)
    elsewhere = replace(cell, settings=replace(cell.settings, store=tmp_path, editors=("kn-global",)))
    found = editing.measure(elsewhere, localized, False)
    rows = found.table[found.table.kind == "update"]
    cost = found.effects.quantity(quantity("kn-global", "update", "cost"))
    np.testing.assert_allclose(cost, np.log1p(rows.perplexity_change), atol=1e-9)
    assert rows.perplexity_before.notna().all()
    assert not any(name.startswith("kn-global") for name in found.effects.absent)


def test_saved_run_holds_the_edits_and_the_gate_reads_them(measured, store):
    workspace, cell = cell_of(store)
    workspace.evidence(cell.model, cell.localizer)
    row = ClaimRow(
        claim="local_edits_erase",
        statement="",
        marker="modification",
        model="planted-gpt2",
        localizer="ig",
        threshold="static:0.1",
        verdict="SUPPORTED",
        reason="",
    )
    run = load_edited_run(workspace.save_run([row], name="x", command="pytest", seconds=0.0))
    assert len(run.edits) == FACTS * 2 * 3
    assert set(run.edits.model) == {"planted-gpt2"}
    assert run.record.manifest.settings["editors"] == ["kn-local", "kn-global", "kn-cas"]
    assert run.record.manifest.settings["perplexity_text_fingerprint"] == text_fingerprint(load_passages("embedded"))
    _, found = measured
    np.testing.assert_allclose(run.edits.average, found.table.average)


def test_somebodys_code_is_told_apart_by_its_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "editor_of_mine.py").write_text("class Mine:\n    pass\n")
    import editor_of_mine

    before = source_fingerprint(editor_of_mine.Mine())
    assert before == source_fingerprint(editor_of_mine.Mine())
    (tmp_path / "editor_of_mine.py").write_text("class Mine:\n    factor = 2\n")
    assert source_fingerprint(editor_of_mine.Mine()) != before
    assert source_fingerprint(KnowledgeNeurons()) is None
