"""Claims that span localizers, models and cells, on the built-in model and its own facts."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.attribution.quadrature import Quadrature
from harness.claims import Agreement, Prevalence, Procedure, Trend
from harness.consistency import OtsuThreshold, StaticThreshold
from harness.localizers import Localizer, make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.pipeline import Settings, Workspace
from tests.random_localizer import RandomNeurons

FEW = Procedure(draws=200, permutations=99)
QUICK = Quadrature(rule="right", steps=2)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def workspace(store: Path) -> Workspace:
    return Workspace(Settings(limit=4, draws=200, quadrature=QUICK, store=store))


@pytest.fixture(scope="module")
def handle() -> ModelHandle:
    return resolve_model("tiny-gpt2")


@pytest.fixture(scope="module")
def localizer() -> Localizer:
    return make_localizer("ig", quadrature=QUICK)


@pytest.mark.slow
def test_agreement_names_its_localizers_and_the_one_that_fails(
    workspace: Workspace, handle: ModelHandle, localizer: Localizer
) -> None:
    claim = Agreement(threshold=StaticThreshold(0.5), procedure=FEW)
    noise = RandomNeurons()
    row = workspace.judge_localizers(claim, handle, [localizer, noise], "static:0.5")
    assert (row.claim, row.model, row.threshold) == ("agreement", "tiny-gpt2", "static:0.5")
    assert row.localizer == "+".join(sorted(["ig", noise.name]))
    assert row.verdict == "VOID"
    assert f"{noise.name}: " in row.reason
    assert "ig: " not in row.reason
    assert row.n_facts == 4 * 17


@pytest.mark.slow
def test_a_trend_needs_models_apart_in_size_and_releases_their_weights_in_turn(
    workspace: Workspace, localizer: Localizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = resolve_model("tiny-gpt2"), resolve_model("tiny-gpt2")
    second.name = "twin"
    held: list[str] = []
    for model in (first, second):
        monkeypatch.setattr(model, "release", lambda name=model.name: held.append(name))
    row = workspace.judge_models(Trend(threshold=StaticThreshold(), procedure=FEW), [first, second], localizer, "s")
    assert (row.model, row.localizer, row.expected) == ("tiny-gpt2+twin", "ig", None)
    assert row.verdict == "NOT_APPLICABLE"
    assert "too much of a size" in row.reason
    assert held == [model.name for model in (first, second) if model.n_loads]


def test_size_of_a_model_is_told_without_its_weights(handle: ModelHandle) -> None:
    fresh = resolve_model("tiny-gpt2")
    assert fresh.shape.parameters == sum(p.numel() for p in handle.loaded().model.parameters())
    assert (fresh.n_loads, fresh.config.model_type) == (0, "gpt2")


def test_every_cell_is_the_worst_of_the_cells_own_rows(
    workspace: Workspace, handle: ModelHandle, localizer: Localizer
) -> None:
    claims = {
        threshold.name: Prevalence(threshold=threshold, procedure=FEW)
        for threshold in (StaticThreshold(0.1), OtsuThreshold())
    }
    row = workspace.judge_everywhere(claims, handle, [localizer])
    cells = [workspace.judge(claim, handle, localizer, name) for name, claim in claims.items()]
    assert row.extras["cells"] == {f"ig {cell.threshold}": cell.verdict for cell in cells}
    assert (row.claim, row.threshold, row.expected) == ("prevalence_everywhere", None, None)
    assert row.estimate in [cell.estimate for cell in cells]


def test_a_claim_decides_a_cell_once(workspace: Workspace, handle: ModelHandle, localizer: Localizer) -> None:
    claim = Prevalence(threshold=StaticThreshold(), procedure=FEW)
    first = workspace.judge(claim, handle, localizer, "static:0.1")
    again = workspace.judge(replace(claim), handle, localizer, "static:0.1")
    assert again.extras is first.extras


def test_somebody_elses_claim_need_not_be_hashable(
    workspace: Workspace, handle: ModelHandle, localizer: Localizer
) -> None:
    class Unhashable(Prevalence):
        __hash__ = None  # type: ignore[assignment]

    claim = Unhashable(threshold=StaticThreshold(), procedure=FEW)
    assert workspace.judge(claim, handle, localizer, "static:0.1").verdict == "REFUTED"
