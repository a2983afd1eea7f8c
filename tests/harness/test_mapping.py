"""Query-KN mapping measured on a planted world, with its planted neurons for localized ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from harness.claims import Procedure
from harness.claims.mapping import DIRECTIONS, effect, own_over_neighbors, own_over_random, rate
from harness.consistency import NEIGHBOR_RULES, StaticThreshold, neighbor_set
from harness.consistency.compared import OWN, RANDOM, own_beside, random_beside, whole
from harness.interventions import neurons
from harness.localizers import AttributionMap
from harness.models.handle import ModelHandle
from harness.models.loaded import LoadedModel
from harness.pipeline import Settings, Workspace
from harness.pipeline.measured import mapping, mapping_rows
from harness.pipeline.measured.measurement import Measured
from tests.planted import SMALL, planted_handle
from tests.true_localizer import TrueNeurons

FACTORS = {"suppress": 0.0, "enhance": 2.0}
SIGNS = {"suppress": -1, "enhance": 1}
RECIPE = replace(SMALL, inconsistent=0.6)
PROCEDURE = Procedure(draws=300, permutations=99)
THRESHOLD = StaticThreshold(0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def handle(home: Path, monkeypatch: pytest.MonkeyPatch) -> ModelHandle:
    monkeypatch.setenv("KNTESTS_HOME", str(home))
    return planted_handle(RECIPE, "gpt2")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store", draws=300)


def measured(handle: ModelHandle, settings: Settings, *, only_stored: bool = False) -> Measured:
    cell = Workspace(settings).cell(handle, TrueNeurons(handle.world))
    return mapping.measure(cell, cell.localized(stored=only_stored), only_stored)


def log_p(model: LoadedModel, prompt: str, answer: str, chosen: set[tuple[int, int]], factor: float) -> float:
    """One pass of the whole model, with a hook on every output projection."""
    ids = model.tokenizer(prompt)["input_ids"]

    def hook(layer: int) -> Callable[..., tuple[torch.Tensor, ...]]:
        def scale(_module: object, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            changed = args[0].clone()
            for at, index in chosen:
                if at == layer:
                    changed[0, -1, index] *= factor
            return (changed,)

        return scale

    handles = [p.register_forward_pre_hook(hook(layer)) for layer, p in enumerate(model.output_projections)]
    logits = model.model(input_ids=torch.tensor([ids])).logits[0, -1]
    for one in handles:
        one.remove()
    return float(logits.log_softmax(-1)[model.tokenizer.convert_tokens_to_ids(answer)])


@torch.no_grad()
def test_every_number_is_the_mean_over_queries_of_one_pass_each(handle: ModelHandle, settings: Settings) -> None:
    """Where no draw is in it: own neurons, whole neighbor sets, and neighbor sets as large as the own one."""
    found, world, model = measured(handle, settings), handle.world, handle.loaded()
    drawn = 0
    for place, fact in list(enumerate(world.dataset.facts()))[::5]:
        queries = [q for q in world.dataset.queries() if q.fact.uid == fact.uid]
        sets = [np.array(world.truth[q.fact.uid, q.pattern_id].to_flat(world.d_ff)) for q in queries]
        expected: dict[str, list[float]] = {}
        for number, query in enumerate(queries):
            chosen = {OWN: sets[number], **{whole(r): neighbor_set(sets, number, r) for r in NEIGHBOR_RULES}}
            for rule in NEIGHBOR_RULES:
                if len(chosen[whole(rule)]) == len(sets[number]):
                    chosen[rule] = chosen[whole(rule)]
            for name, ids in chosen.items():
                for held_out in (False, True):
                    prompt = f"{mapping_rows.PREFIX} {query.prompt}" if held_out else query.prompt
                    before = log_p(model, prompt, fact.object, set(), 1)
                    for do in DIRECTIONS:
                        pairs = {divmod(int(i), world.d_ff) for i in ids}
                        change = log_p(model, prompt, fact.object, pairs, FACTORS[do]) - before
                        if len(ids):
                            expected.setdefault(effect(do, name, held_out=held_out), []).append(change)
        for name, changes in expected.items():
            if name not in found.effects.values or (
                name.split("_")[1] in NEIGHBOR_RULES and len(changes) < len(queries)
            ):
                continue  # whole sets are not taken behind the prefix; a set that is larger is drawn from
            drawn += 1
            do = name.split("_")[0]
            assert found.effects.values[name][place] == pytest.approx(SIGNS[do] * np.mean(changes), abs=1e-4), name
            if name == effect(do, OWN):
                rates = SIGNS[do] * np.expm1(changes)
                assert found.effects.values[rate(do, OWN)][place] == pytest.approx(rates.mean(), abs=1e-4)
                median = found.effects.values[rate(do, OWN, "median")][place]
                assert median == pytest.approx(np.median(rates), abs=1e-4)
    assert drawn > 50


def test_pairs_are_of_the_same_queries_and_random_neurons_do_next_to_nothing(
    handle: ModelHandle, settings: Settings
) -> None:
    values = measured(handle, settings).effects.values
    for do in DIRECTIONS:
        for held_out in (False, True):
            for rule in NEIGHBOR_RULES:
                names = (rule, own_beside(rule), random_beside(rule))
                there = [np.isfinite(values[effect(do, name, held_out=held_out)]) for name in names]
                assert (there[0] == there[1]).all()
                assert (there[0] == there[2]).all()
            assert np.nanmean(np.abs(values[effect(do, RANDOM, held_out=held_out)])) < 0.05
            assert np.nanmean(values[effect(do, OWN, held_out=held_out)]) > 0.1


def test_what_is_stored_is_not_measured_again(
    handle: ModelHandle, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measured(handle, settings)
    assert handle.n_loads == 1
    fresh = planted_handle(RECIPE, "gpt2")
    for only_stored in (False, True):
        again = measured(fresh, settings, only_stored=only_stored)
        pd.testing.assert_frame_equal(first.table, again.table)
    assert fresh.n_loads == 0


def test_a_run_that_was_broken_off_goes_on_with_the_same_numbers(
    handle: ModelHandle, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_run = measured(handle, replace(settings, store=settings.store / "whole")).table
    monkeypatch.setattr(mapping, "_FACTS_A_SHARD", 10)
    compute, calls = mapping.mapping_rows, []

    def breaks(*args: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return compute(*args)

    monkeypatch.setattr(mapping, "mapping_rows", breaks)
    with pytest.raises(KeyboardInterrupt):
        measured(handle, settings)
    monkeypatch.setattr(mapping, "mapping_rows", compute)
    resumed = measured(handle, settings).table
    assert resumed["fact_uid"].tolist() == whole_run["fact_uid"].tolist()
    numbers = [name for name in whole_run if name not in ("fact_uid", "relation", "excluded")]
    np.testing.assert_allclose(
        resumed[numbers].to_numpy(float), whole_run[numbers].to_numpy(float), atol=1e-4, equal_nan=True
    )


def test_fewer_facts_a_relation_are_the_same_facts_with_the_same_numbers(
    handle: ModelHandle, settings: Settings
) -> None:
    every, few = measured(handle, settings).table, measured(handle, replace(settings, measured_facts=2)).table
    assert few.groupby("relation").size().tolist() == [2] * RECIPE.relations
    pd.testing.assert_frame_equal(every.set_index("fact_uid").loc[few["fact_uid"]].reset_index(), few)


def test_facts_without_numbers_are_counted_by_reason(handle: ModelHandle, settings: Settings) -> None:
    """A localizer that finds nothing for every query of a relation's facts but the first two."""

    class Blind(TrueNeurons):
        def attribute(self, model: LoadedModel, queries: object, *, batch_size: int | None) -> list[AttributionMap]:
            maps = super().attribute(model, queries, batch_size=batch_size)  # type: ignore[arg-type]
            return [
                replace(found, scores=np.zeros_like(found.scores)) if " r0" in query.prompt else found
                for found, query in zip(maps, queries, strict=True)  # type: ignore[call-overload]
            ]

    cell = Workspace(settings).cell(handle, Blind(handle.world))
    found = mapping.measure(cell, cell.localized(), False)
    excluded = found.table[found.table["excluded"].notna()]
    assert set(excluded["relation"]) <= {"r0"}
    assert found.effects.excluded.get("no query has a knowledge neuron", 0) == len(excluded)
    few = replace(settings, measured_facts=1, store=settings.store / "few")
    counted = measured(handle, few).effects.excluded
    assert counted["fewer than 3 scored queries, or not drawn"] == RECIPE.relations * (RECIPE.facts - 1)
    empty = "every query's intersection of its neighbors is empty or smaller than its own set"
    assert counted[empty] == int((measured(handle, few).table["n_intersection"] == 0).sum())


class TestControls:
    @pytest.mark.parametrize("direction", DIRECTIONS)
    def test_an_intervention_that_does_nothing_makes_every_claim_void(
        self, direction: str, handle: ModelHandle, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scales = neurons.PlacedScalings.scales

        def nothing(self: neurons.PlacedScalings, layer: int, model: LoadedModel) -> torch.Tensor | None:
            found = scales(self, layer, model)
            return None if found is None else torch.ones_like(found)

        monkeypatch.setattr(neurons.PlacedScalings, "scales", nothing)
        workspace, localizer = Workspace(settings), TrueNeurons(handle.world)
        for claim in (own_over_neighbors, own_over_random):
            chosen = claim(threshold=THRESHOLD, direction=direction, procedure=PROCEDURE)
            row = workspace.judge(chosen, handle, localizer, THRESHOLD.name)
            assert row.verdict == "VOID"
            assert "control of interventions failed" in row.reason
            assert "control of identity" not in row.reason

    def test_an_identity_that_does_something_makes_it_void(
        self, handle: ModelHandle, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(neurons.NeuronScaling, "changes_nothing", False)
        row = Workspace(settings).judge(
            own_over_random(threshold=THRESHOLD, procedure=PROCEDURE), handle, TrueNeurons(handle.world), THRESHOLD.name
        )
        assert row.verdict == "VOID"
        assert "control of identity failed" in row.reason

    def test_they_pass_on_a_model_that_is_left_alone(self, handle: ModelHandle, settings: Settings) -> None:
        controls = measured(handle, settings).effects.controls
        assert [(one.name, one.passed) for one in controls] == [
            ("control of interventions", True),
            ("control of identity", True),
        ]
        assert controls[1].value == 0.0


def test_a_saved_run_holds_the_table_and_figure_4(handle: ModelHandle, settings: Settings) -> None:
    workspace, localizer = Workspace(settings), TrueNeurons(handle.world)
    claim = own_over_neighbors(threshold=THRESHOLD, procedure=PROCEDURE)
    row = workspace.judge(claim, handle, localizer, THRESHOLD.name)
    folder = workspace.save_run([row], name="mapped", command="", seconds=0.0)
    table = pd.read_csv(folder / "measured/mapping.csv")
    assert list(table.columns[:4]) == ["model", "localizer", "fact_uid", "relation"]
    assert len(table) == RECIPE.relations * RECIPE.facts
    figure = pd.read_csv(folder / "figures/figure-4.csv")
    assert list(figure.columns) == [
        *("model", "localizer", "threshold", "group", "bar", "estimate", "ci_low", "ci_high", "n_facts")
    ]
    assert list(figure["bar"].unique()) == ["Enh", "Sup", "Avg"]
    assert list(figure["group"].unique()) == [
        f"{label} {name}" for label in ("K_I", "K_II") for name in ("Self", "Union", "Intersection", "Refine")
    ]
    bars = figure.pivot(index="group", columns="bar", values="estimate")
    pd.testing.assert_series_equal(bars["Avg"], (bars["Enh"] + bars["Sup"]) / 2, check_names=False)
    own = figure[figure["group"].str.endswith("Self") & (figure["bar"] == "Sup")]
    assert own["n_facts"].sum() == len(table)
    mean = (own["estimate"] * own["n_facts"]).sum() / len(table)
    assert mean == pytest.approx(table[rate("suppress", OWN)].mean())
