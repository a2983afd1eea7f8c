"""Results over selections and quadratures are those of runs with these settings, and need no model once stored."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.attribution.quadrature import Quadrature
from harness.claims import Prevalence, Procedure, Separation
from harness.consistency import QuerySets, StaticThreshold
from harness.execution.localizing import open_store
from harness.localizers import make_localizer
from harness.localizers.selection import Selection, keep_largest
from harness.models.handle import ModelHandle, resolve_model
from harness.pipeline import Settings, Workspace
from harness.pipeline.rows import LocalizedRows
from harness.pipeline.sample import QUERIES_A_FACT, sample_of
from harness.pipeline.sensitivity import CONVERGED, FRACTIONS, measure_sensitivity
from harness.records import SensitivityRecord

pytestmark = pytest.mark.slow

PROCEDURE = Procedure(draws=100, permutations=99)
THRESHOLD = StaticThreshold(0.6)  # parts the facts of the model in two
PREVALENCE = Prevalence(threshold=THRESHOLD, procedure=PROCEDURE)
SEPARATION = Separation(threshold=THRESHOLD, procedure=PROCEDURE, splits=2)
OWN = Quadrature(rule="gauss-legendre", steps=4)
OTHERS = (OWN, Quadrature(rule="right", steps=3), OWN)
SELECTIONS = [Selection(t=t) for t in (0.4, 0.06, 0.2)]


def measure(
    store: Path, model: ModelHandle, *, localizer: str = "ig", quadratures: tuple[Quadrature, ...] = OTHERS
) -> SensitivityRecord:
    settings = Settings(store=store, limit=4, draws=100, quadrature=OWN)
    return measure_sensitivity(
        Workspace(settings),
        model,
        make_localizer(localizer, quadrature=OWN),
        prevalence=PREVALENCE,
        separation=SEPARATION,
        selections=SELECTIONS,
        quadratures=quadratures,
        make=lambda quadrature: make_localizer(localizer, quadrature=quadrature),
        queries=40,
        command="kntests sensitivity",
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def record(store: Path) -> SensitivityRecord:
    return measure(store, resolve_model("tiny-gpt2"))


def test_a_row_is_what_a_run_with_that_selection_says(record: SensitivityRecord, store: Path) -> None:
    model, localizer = resolve_model("tiny-gpt2"), make_localizer("ig", quadrature=OWN)
    assert [row.t for row in record.selection] == [0.06, 0.2, 0.4]
    for row in record.selection:
        settings = Settings(store=store, limit=4, draws=100, quadrature=OWN, selection=Selection(t=row.t))
        workspace = Workspace(settings)
        prevalence, separation = (
            workspace.judge(claim, model, localizer, THRESHOLD.name) for claim in (PREVALENCE, SEPARATION)
        )
        assert (row.prevalence, row.prevalence_reason) == (prevalence.verdict, prevalence.reason)
        assert (row.separation, row.separation_reason) == (separation.verdict, separation.reason)
        assert (row.share_inconsistent, row.ci_low, row.ci_high) == (
            prevalence.estimate,
            prevalence.ci_low,
            prevalence.ci_high,
        )
        extras = prevalence.extras
        assert (row.mean_cs2, row.ceiling, row.floor) == (extras["mean_cs2"], extras["ceiling"], extras["floor"])
        assert row.mean_set_size == workspace.evidence(model, localizer).sets.sizes.mean()
    assert len({row.share_inconsistent for row in record.selection}) == 3
    assert model.n_loads == 0


def test_sets_are_counted_from_the_stored_scores(record: SensitivityRecord, store: Path) -> None:
    model, localizer = resolve_model("tiny-gpt2"), make_localizer("ig", quadrature=OWN)
    plan = Workspace(Settings(store=store, limit=4)).cell(model, localizer).localized(stored=True).plan
    keys = [request.encoded.key for request in plan.requests]
    rows = {row["row_key"]: row for row in open_store(store, model, localizer).read(keys).to_pylist()}
    for row in record.selection:
        least = np.float32(row.t)
        sizes = [
            sum(np.float32(score) > least * np.float32(rows[key]["max_score"]) for score in rows[key]["scores"])
            for key in keys
        ]
        assert row.mean_set_size == pytest.approx(np.mean(sizes))


def test_selecting_anew_from_rows_is_selecting_from_whole_maps() -> None:
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(3, 7)) ** 3 for _ in range(5)] + [-np.ones((3, 7))]
    kept = [keep_largest(scores) for scores in maps]
    stored = QuerySets.from_lists(one.neurons.tolist() for one in kept)
    columns = pd.DataFrame({"max_score": np.array([one.max_score for one in kept], dtype=np.float32)})
    scores = np.concatenate([one.scores for one in kept])
    rows = LocalizedRows(columns=columns, stored=stored, scores=scores, sets=stored)
    for t in FRACTIONS:
        expected = [np.flatnonzero(m.astype(np.float32) > np.float32(t) * m.max()).tolist() for m in maps[:-1]] + [[]]
        again = rows.at(Selection(t=0.9)).at(Selection(t=t))
        assert [again.sets.ids(i) for i in range(len(maps))] == expected


def test_quadratures_against_the_converged_one_written_out(record: SensitivityRecord, store: Path) -> None:
    model = resolve_model("tiny-gpt2")
    own = make_localizer("ig", quadrature=OWN)
    plan = Workspace(Settings(store=store, limit=4)).cell(model, own).localized(stored=True).plan
    keys = [request.encoded.key for request in sample_of(plan, 40, seed=0).plan.requests]

    def found(quadrature: Quadrature) -> tuple[list[set[int]], list[float]]:
        table = open_store(store, model, make_localizer("ig", quadrature=quadrature)).read(keys).to_pylist()
        rows = {row["row_key"]: row for row in table}
        sets = [
            set(
                Selection()
                .select(
                    np.array(rows[key]["neurons"]),
                    np.array(rows[key]["scores"], dtype=np.float32),
                    rows[key]["max_score"],
                )
                .tolist()
            )
            for key in keys
        ]
        return sets, [rows[key]["completeness_gap"] for key in keys]

    converged, _ = found(CONVERGED)
    assert [row.quadrature for row in record.quadratures] == [str(OWN), "right:3", str(CONVERGED)]
    for row, quadrature in zip(record.quadratures, (OWN, OTHERS[1], CONVERGED), strict=True):
        sets, gaps = found(quadrature)
        each = [len(a & b) / len(a | b) for a, b in zip(sets, converged, strict=True)]
        assert row.jaccard == pytest.approx(np.mean(each))
        assert row.identical == np.mean([a == b for a, b in zip(sets, converged, strict=True)])
        assert row.completeness_gap == pytest.approx(np.median(gaps))
        cs2 = []
        for start in range(0, 40, QUERIES_A_FACT):
            four = sets[start : start + QUERIES_A_FACT]
            union = set().union(*four)
            cs2.append(sum(sum(n in s for s in four) > 1 for n in union) / len(union))
        assert (row.n_queries, row.n_facts) == (40, 10)
        assert row.mean_cs2 == pytest.approx(np.mean(cs2))
        assert row.share_inconsistent == np.mean(np.round(cs2, 12) <= THRESHOLD.value)
    own_row, coarse, exact = record.quadratures
    assert exact.jaccard == exact.identical == 1
    assert coarse.jaccard is not None
    assert own_row.jaccard is not None
    assert own_row.jaccard < 1
    assert coarse.jaccard < 1
    assert own_row.relative_operations == 1
    assert exact.relative_operations is not None
    assert coarse.relative_operations is not None
    assert coarse.relative_operations < 1 < exact.relative_operations
    assert own_row.seconds_a_query is None  # a run with it has stored them
    assert coarse.seconds_a_query is not None
    assert exact.seconds_a_query is not None


def test_a_full_store_needs_no_model(record: SensitivityRecord, store: Path) -> None:
    model = resolve_model("tiny-gpt2")
    again = measure(store, model)
    assert model.n_loads == 0
    assert again.selection == record.selection
    assert again.quadratures == tuple(replace(row, seconds_a_query=None) for row in record.quadratures)


def test_a_localizer_without_a_quadrature(store: Path) -> None:
    found = measure(store, resolve_model("tiny-gpt2"), localizer="activation")
    assert found.quadratures == ()
    assert len(found.selection) == 3


def test_none_asked_for(record: SensitivityRecord, store: Path) -> None:
    assert measure(store, resolve_model("tiny-gpt2"), quadratures=()).quadratures == ()
