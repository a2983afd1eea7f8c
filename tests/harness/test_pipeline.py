"""The stages joined, on a built-in model and its own facts."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.attribution.quadrature import Quadrature
from harness.claims import Claim, Prevalence, PrevalenceByRelation, Procedure, Separation
from harness.consistency import OtsuThreshold, StaticThreshold, cs1_cs2
from harness.errors import DataError
from harness.localizers import AttributionMap, Localizer, Unscored, make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.models.loaded import LoadedModel
from harness.models.queries import EncodedQuery
from harness.neurons import NeuronSet
from harness.pipeline import Settings, Workspace
from harness.records import ClaimRow, RunRecord
from harness.store.rows import ROW_SCHEMA
from tests.random_localizer import RandomNeurons

FEW_DRAWS = Procedure(draws=500)
STATIC = Prevalence(threshold=StaticThreshold(0.1), procedure=FEW_DRAWS)
CLAIMS = [
    claim(threshold=threshold, procedure=FEW_DRAWS)
    for claim in (Prevalence, PrevalenceByRelation, Separation)
    for threshold in (StaticThreshold(0.1), OtsuThreshold())
]
FEW = Settings(limit=6, draws=500, quadrature=Quadrature(rule="right", steps=4))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def handle() -> ModelHandle:
    return resolve_model("tiny-llama")


def judge(settings: Settings, handle: ModelHandle, localizer: Localizer | None = None) -> ClaimRow:
    chosen = localizer or make_localizer("ig", quadrature=settings.quadrature)
    return Workspace(settings).judge(STATIC, handle, chosen, "static:0.1")


def test_random_neurons_are_void_never_supported(handle: ModelHandle, store: Path) -> None:
    """Their share of inconsistent facts is all of them, which would support the claim if nothing else were asked."""
    row = judge(replace(FEW, store=store, limit=12), handle, RandomNeurons())
    assert row.estimate == 1.0
    assert row.ci_low is not None
    assert row.ci_low > row.margin  # type: ignore[operator]
    assert row.verdict == "VOID"
    assert "retest ceiling" in row.reason
    assert "permutation floor" in row.reason


@pytest.mark.slow
def test_the_table_of_facts_is_the_definition_written_out(handle: ModelHandle, store: Path) -> None:
    workspace = Workspace(replace(FEW, store=store))
    row = workspace.judge(STATIC, handle, make_localizer("ig", quadrature=FEW.quadrature), "static:0.1")
    folder = workspace.save_run([row], name="test", command="pytest", seconds=1.0)
    facts = pd.read_csv(folder / "facts.csv")
    assert len(facts) == row.n_facts == 6 * 17
    evidence = workspace.evidence(handle, make_localizer("ig", quadrature=FEW.quadrature))
    d_ff = handle.loaded().d_ff
    for index in (0, 40, 101):
        queries = np.flatnonzero(evidence.fact_of_query == index)
        offsets, neurons = evidence.sets.offsets, evidence.sets.neurons
        sets = [NeuronSet.from_flat(neurons[offsets[q] : offsets[q + 1]].tolist(), d_ff) for q in queries]
        scores = cs1_cs2(sets)
        assert scores is not None
        assert (facts.cs1[index], facts.cs2[index]) == pytest.approx(scores)
        assert facts.n_queries[index] == len(queries) == 8
        for name, half in (("cs2_half_a", sets[::2]), ("cs2_half_b", sets[1::2])):
            pairs = [scored[1] for pair in combinations(half, 2) if (scored := cs1_cs2(pair)) is not None]
            assert facts[name][index] == pytest.approx(np.mean(pairs))


def test_saved_queries_are_the_prompts_and_their_neurons(handle: ModelHandle, store: Path) -> None:
    workspace = Workspace(replace(FEW, store=store))
    localizer = make_localizer("ig", quadrature=FEW.quadrature)
    row = workspace.judge(STATIC, handle, localizer, "static:0.1")
    folder = workspace.save_run([row], name="queries", command="pytest", seconds=1.0)
    saved = pq.read_table(folder / "queries.parquet").to_pandas()
    frames = pd.read_csv(folder / "patterns.csv").set_index("pattern_id")["frame"]
    assert set(saved["d_ff"]) == {handle.shape.d_ff}
    evidence, dataset = workspace.evidence(handle, localizer), workspace.dataset(handle)
    fact_of = {fact.uid: fact for fact in dataset.facts()}
    asked = [(query.fact.uid, query.prompt) for query in dataset.queries()]
    rebuilt = [
        (uid, frames[pattern].replace("[X]", fact_of[uid].subject))
        for uid, pattern in zip(saved["fact_uid"], saved["pattern_id"], strict=True)
    ]
    assert rebuilt == asked
    sets = evidence.sets
    flat = [sets.neurons[start:end].tolist() for start, end in zip(sets.offsets, sets.offsets[1:], strict=False)]
    assert [neurons.tolist() for neurons in saved["neurons"]] == flat
    assert saved["known"].tolist() == evidence.known_query.tolist()


def test_a_saved_run_holds_complete_rows(handle: ModelHandle, store: Path) -> None:
    workspace = Workspace(replace(FEW, store=store))
    row = workspace.judge(STATIC, handle, make_localizer("ig", quadrature=FEW.quadrature), "static:0.1")
    folder = workspace.save_run([row], name="complete", command="pytest kntests", seconds=1.0)
    record = RunRecord.from_json((folder / "run.json").read_text())
    assert record.claims == (row,)
    assert None not in (row.estimate, row.ci_low, row.ci_high, row.margin, row.p_value)
    paper = row.extras["paper"]
    assert paper["r_consistent"] + paper["r_inconsistent"] == pytest.approx(1)
    assert record.manifest.smoke == f"at most 6 facts a relation; built-in model {handle.name}"
    assert record.manifest.data["embedded"]["facts"] == 102
    assert record.manifest.models[handle.name]["weights"] == handle.fingerprint
    assert record.manifest.settings["quadrature"] == {"rule": "right", "steps": 4, "exhaustive": False}
    assert len(pd.read_csv(folder / "results.csv")) == 1


def test_runs_are_numbered(handle: ModelHandle, store: Path) -> None:
    workspace = Workspace(replace(FEW, store=store))
    first, second = (workspace.save_run([], name="n", command="", seconds=0.0) for _ in range(2))
    assert int(second.name[:4]) == int(first.name[:4]) + 1


@pytest.mark.slow
def test_the_same_settings_give_the_same_row(handle: ModelHandle, store: Path) -> None:
    settings = replace(FEW, store=store)
    assert judge(settings, handle) == judge(settings, handle)


def test_expected_verdicts_hold_for_the_models_own_facts_under_default_settings_alone(
    handle: ModelHandle, store: Path
) -> None:
    assert judge(replace(FEW, store=store), handle).expected is None


def test_known_facts_alone(handle: ModelHandle, store: Path) -> None:
    row = judge(replace(FEW, store=store, known_only=True), handle)
    full = judge(replace(FEW, store=store), handle)
    assert row.n_facts == full.extras["known"]["n_facts"]


class Skipping:
    """Integrated gradients, without a score where the query speaks of a capital."""

    def __init__(self) -> None:
        self._method = make_localizer("ig", quadrature=FEW.quadrature)

    @property
    def name(self) -> str:
        return "skipping"

    def config(self) -> dict[str, Any]:
        return {"method": "skipping", **self._method.config()}

    def attribute(
        self, model: LoadedModel, queries: Sequence[EncodedQuery], *, batch_size: int | None
    ) -> list[AttributionMap | Unscored]:
        found = self._method.attribute(model, queries, batch_size=batch_size)
        none = Unscored(reason="a capital")
        return [none if "capital" in query.prompt else item for query, item in zip(queries, found, strict=True)]


@pytest.mark.slow
def test_queries_that_the_localizer_does_not_score_are_counted_and_left_out(handle: ModelHandle, store: Path) -> None:
    workspace = Workspace(replace(FEW, store=store))
    row = workspace.judge(STATIC, handle, Skipping(), "static:0.1")
    evidence = workspace.evidence(handle, Skipping())
    full = workspace.evidence(handle, make_localizer("ig", quadrature=FEW.quadrature))
    queries = list(workspace.dataset(handle).queries())
    skipped = sum("capital" in query.prompt for query in queries)
    assert 0 < skipped < len(queries) == len(full.sets)
    assert evidence.unscored == {"a capital": skipped}
    assert row.n_unscored == skipped
    assert len(evidence.sets) == len(queries) - skipped
    kept = np.array(["capital" not in query.prompt for query in queries])
    assert evidence.fact_of_query.tolist() == full.fact_of_query[kept].tolist()
    assert evidence.sets.sizes.tolist() == full.sets.sizes[kept].tolist()
    assert evidence.retest is not None
    assert len(evidence.retest.groups) > 0


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.name}-{claim.threshold.name}")
def test_every_claim_on_the_random_control_is_void(handle: ModelHandle, store: Path, claim: Claim) -> None:
    settings = replace(FEW, store=store, limit=12)
    control = make_localizer("random", quadrature=settings.quadrature)
    row = Workspace(settings).judge(claim, handle, control, "any")
    assert row.verdict == "VOID"
    assert "retest ceiling" in row.reason


def test_a_model_whose_context_is_too_short_for_every_query(store: Path, handle: ModelHandle) -> None:
    short = resolve_model(handle.name)
    short.__dict__["context_length"] = 2
    with pytest.raises(DataError, match=rf"no query of embedded can be put to {handle.name}.*longer than"):
        judge(replace(FEW, store=store), short)


def test_what_was_in_a_damaged_shard_is_localized_again(tmp_path: Path) -> None:
    settings = replace(FEW, store=tmp_path, limit=1, relations=("P36",))
    localizer, models = make_localizer("ig", quadrature=FEW.quadrature), [resolve_model("tiny-gpt2") for _ in range(3)]
    whole = Workspace(settings).evidence(models[0], localizer)
    path = max(tmp_path.rglob("shard-*.parquet"), key=lambda shard: shard.stat().st_size)
    column = pq.read_metadata(path).row_group(0).column(ROW_SCHEMA.get_field_index("max_score"))
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 5] ^= 255
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="set aside"):
        again = Workspace(settings).evidence(models[1], localizer)
    stored = Workspace(settings).evidence(models[2], localizer)
    assert [model.n_loads for model in models] == [1, 1, 0]
    for found in (again, stored):
        assert found.sets.offsets.tolist() == whole.sets.offsets.tolist()
        assert found.sets.neurons.tolist() == whole.sets.neurons.tolist()


@pytest.mark.slow
def test_a_preview_counts_the_rows_that_a_run_then_stores(tmp_path: Path) -> None:
    settings, fresh = replace(FEW, store=tmp_path / "store", limit=2), resolve_model("tiny-gpt2")
    localizer = make_localizer("ig", quadrature=settings.quadrature)
    workspace = Workspace(settings)
    (before,) = workspace.preview([fresh], [localizer])
    assert not settings.store.exists()
    assert fresh.n_loads == 0
    assert (before.stored, sum(before.facts.values()), before.queries) == (0, 34, 272)
    assert before.estimate.seconds is not None
    assert before.estimate.seconds > 0
    workspace.evidence(fresh, localizer)
    (after,) = workspace.preview([fresh], [localizer])
    assert after.stored == after.rows == before.rows
    assert after.estimate.seconds == after.estimate.disk_bytes == 0
    shards = list(settings.store.rglob("shard-*.parquet"))
    assert sum(pq.read_metadata(path).num_rows for path in shards) == before.rows
