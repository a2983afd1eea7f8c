"""Weights below float32: a run of them says how far its knowledge neurons are those of float32."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.attribution.quadrature import Quadrature
from harness.claims import Prevalence, Procedure
from harness.consistency import StaticThreshold
from harness.errors import ModelError
from harness.execution.localizing import open_store
from harness.execution.plan import make_plan
from harness.localizers import make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.models.loaded import LoadedModel
from harness.pipeline import Settings, Workspace
from harness.pipeline.sample import QUERIES_A_FACT, sample_of

pytestmark = pytest.mark.slow

QUADRATURE = Quadrature(rule="gauss-legendre", steps=3)
FEW = Settings(
    limit=2, relations=("P36", "P30", "P17"), dtype="bfloat16", draws=100, precision_sample=20, quadrature=QUADRATURE
)
CLAIM = Prevalence(threshold=StaticThreshold(), procedure=Procedure(draws=100))
LOCALIZERS = [make_localizer(name, quadrature=QUADRATURE) for name in ("ig", "activation")]


def saved(workspace: Workspace, model: ModelHandle) -> Path:
    rows = [workspace.judge(CLAIM, model, localizer, "static:0.1") for localizer in LOCALIZERS]
    return workspace.save_run(rows, name="n", command="pytest", seconds=1.0)


def in_store(root: Path, model: ModelHandle, keys: list[str]) -> list[set[int]]:
    """Knowledge neurons as they follow from the stored rows by their definition."""
    rows = {row["row_key"]: row for row in open_store(root, model, LOCALIZERS[0]).read(keys).to_pylist()}
    found = []
    for row in map(rows.__getitem__, keys):
        least = np.float32(0.2) * np.float32(row["max_score"])
        found.append({n for n, s in zip(row["neurons"], row["scores"], strict=True) if np.float32(s) > least})
    return found


def test_a_run_in_bfloat16_is_compared_on_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    low = resolve_model("tiny-gpt2", dtype="bfloat16")
    workspace = Workspace(replace(FEW, store=tmp_path))
    folder = saved(workspace, low)
    assert low._loaded is not None
    loading = ModelHandle.loaded

    def alone(self: ModelHandle) -> LoadedModel:
        assert self.dtype == "float32"
        assert low._loaded is None, "both precisions would be in memory together"
        return loading(self)

    monkeypatch.setattr(ModelHandle, "loaded", alone)
    assert workspace.compare_precision(folder, [(low, localizer) for localizer in LOCALIZERS]) == {"tiny-gpt2": 1}
    precision = json.loads((folder / "run.json").read_text())["manifest"]["models"]["tiny-gpt2"]["precision"]
    assert list(precision) == ["ig", "activation"]

    plan = workspace.cell(low, LOCALIZERS[0]).localized(stored=True).plan
    requests = sample_of(plan, 20, seed=0).plan.requests
    assert len({request.query.fact.uid for request in requests}) == 5
    keys = [request.encoded.key for request in requests]
    sets, full = in_store(tmp_path, low, keys), in_store(tmp_path, low.in_dtype("float32"), keys)
    each = [len(a & b) / len(a | b) for a, b in zip(sets, full, strict=True)]
    found = precision["ig"]
    assert found["n_queries"] == 20
    assert found["jaccard"] == pytest.approx(np.mean(each))
    assert 0.5 < found["jaccard"] < 1  # a coarser number format moves neurons across t * max, but not most of them
    assert found["identical"] == np.mean([a == b for a, b in zip(sets, full, strict=True)])
    for dtype, of_dtype in (("bfloat16", sets), ("float32", full)):
        cs2 = []
        for start in range(0, 20, QUERIES_A_FACT):
            four = of_dtype[start : start + QUERIES_A_FACT]
            union = set().union(*four)
            cs2.append(sum(sum(n in s for s in four) > 1 for n in union) / len(union))
        assert found["mean_cs2"][dtype] == pytest.approx(np.mean(cs2))
        assert found["share_inconsistent"][dtype] == np.mean(np.array(cs2) <= 0.1)
        assert found["n_facts"][dtype] == 5


def test_its_rows_serve_a_float32_run(tmp_path: Path) -> None:
    low = resolve_model("tiny-gpt2", dtype="bfloat16")
    settings = replace(FEW, store=tmp_path)
    workspace = Workspace(settings)
    workspace.compare_precision(saved(workspace, low), [(low, LOCALIZERS[0])])
    (full,) = Workspace(replace(settings, dtype="float32")).preview([resolve_model("tiny-gpt2")], LOCALIZERS[:1])
    assert full.stored == 20
    again = Workspace(settings)
    assert again.compare_precision(saved(again, low), [(low, LOCALIZERS[0])]) == {"tiny-gpt2": 0}


@pytest.mark.parametrize("change", [{"dtype": "float32"}, {"precision_sample": 0}])
def test_nothing_is_compared_or_written(tmp_path: Path, change: dict[str, object]) -> None:
    settings = replace(FEW, store=tmp_path, **change)  # type: ignore[arg-type]
    model = resolve_model("tiny-gpt2", dtype=settings.dtype)
    workspace = Workspace(settings)
    folder = saved(workspace, model)
    before = (folder / "run.json").read_bytes()
    assert workspace.compare_precision(folder, [(model, LOCALIZERS[0])]) == {}
    assert (folder / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    "error", [ModelError("no room", model="tiny-gpt2"), RuntimeError("can't allocate memory"), MemoryError()]
)
def test_a_model_that_does_not_fit_in_float32_costs_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    low = resolve_model("tiny-gpt2", dtype="bfloat16")
    workspace = Workspace(replace(FEW, store=tmp_path))
    folder = saved(workspace, low)

    def fail(self: ModelHandle) -> None:
        raise error

    monkeypatch.setattr(ModelHandle, "loaded", fail)
    workspace.compare_precision(folder, [(low, LOCALIZERS[0])])
    told = json.loads((folder / "run.json").read_text())["manifest"]["models"]["tiny-gpt2"]["precision"]
    assert told == {"ig": {"reason": str(error) or "memory is too small"}}


def test_the_sample_takes_relations_in_turn_and_facts_whole() -> None:
    model = resolve_model("tiny-gpt2")
    workspace = Workspace(Settings(relations=("P36", "P30", "P17"), limit=9))
    plan = make_plan(workspace.dataset(model).queries(), model.tokenizer, context_length=None)
    sample = sample_of(plan, 50, seed=3)
    facts = [request.query.fact for request in sample.plan.requests]
    assert len(facts) == 48
    assert all(len({fact.uid for fact in facts[i : i + 4]}) == 1 for i in range(0, 48, 4))
    assert len({fact.uid for fact in facts}) == 12 == len(sample.facts)
    assert {r: [f.relation for f in facts].count(r) for r in ("P36", "P30", "P17")} == dict.fromkeys(
        ("P36", "P30", "P17"), 16
    )
    assert sample_of(plan, 50, seed=3).plan == sample.plan
    assert sample_of(plan, 50, seed=4).plan != sample.plan
