"""The planted models that come with the project, and the verdicts that follow from how they are built."""

import json

import pytest

from harness.claims import Claim, Prevalence, PrevalenceByRelation, Procedure, Separation
from harness.consistency import OtsuThreshold, StaticThreshold
from harness.errors import DataError
from harness.models.handle import resolve_model
from harness.models.names import BUILTIN_FOLDER, resolve_name
from harness.models.organisms.registry import PLANTED, world_of
from harness.pipeline import Settings, Workspace
from tests.planted import evidence_of_truth

PAPERS, OTSU, FIGURE_3 = StaticThreshold(0.1), OtsuThreshold(), StaticThreshold(0.3)
ROWS: list[Claim] = [
    *(Prevalence(threshold=threshold, procedure=Procedure(draws=2_000)) for threshold in (PAPERS, OTSU, FIGURE_3)),
    *(PrevalenceByRelation(threshold=threshold) for threshold in (PAPERS, OTSU, FIGURE_3)),
    *(Separation(threshold=threshold, procedure=Procedure(draws=2_000)) for threshold in (PAPERS, OTSU)),
]


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_the_name_stands_for_a_model_that_carries_verdicts(name: str) -> None:
    found = resolve_name(name)
    assert (found.id, found.builtin, found.planted, found.folder) == (name, True, PLANTED[name], None)
    handle = resolve_model(name)
    assert handle.expected.keys() == {(claim.name, "ig", claim.threshold.name) for claim in ROWS}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_expected_verdicts_are_those_of_a_localizer_that_makes_no_mistake(name: str) -> None:
    """So a run that disagrees has a fault in the localizer or the pipeline, or the rule has changed."""
    evidence = evidence_of_truth(world_of(name))
    verdicts = {(claim.name, "ig", claim.threshold.name): str(claim.decide(evidence).verdict) for claim in ROWS}  # type: ignore[attr-defined]
    assert verdicts == resolve_model(name).expected


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_every_expected_verdict_has_a_reason(name: str) -> None:
    path = BUILTIN_FOLDER / name / "expected_verdicts.json"
    assert all(row["reason"] for row in json.loads(path.read_text(encoding="utf-8"))["verdicts"])


def test_planted_alike_gpt2_and_llama_are_expected_to_give_the_same_verdicts() -> None:
    assert resolve_model("planted-gpt2").expected == resolve_model("planted-llama").expected


def test_a_planted_model_refuses_other_facts_even_where_another_model_has_read_them() -> None:
    workspace = Workspace(Settings(data="embedded"))
    assert workspace.dataset(resolve_model("tiny-gpt2")).name == "embedded"
    with pytest.raises(DataError, match="leave out --data=embedded"):
        workspace.dataset(resolve_model("planted-gpt2"))


def test_without_other_facts_it_is_asked_for_its_own() -> None:
    workspace = Workspace(Settings(limit=2))
    dataset = workspace.dataset(resolve_model("planted-llama"))
    assert (dataset.name, dataset.n_facts) == ("planted-two-kinds", 28)
    assert workspace.dataset(resolve_model("tiny-gpt2")).name == "embedded"
