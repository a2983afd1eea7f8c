"""The planted models that come with the project, and the verdicts that follow from how they are built."""

import json
from pathlib import Path

import pytest

from harness.claims import ATTENTION_CLAIMS, Claim, EffectClaim, Prevalence, PrevalenceByRelation, Procedure, Separation
from harness.claims.mapping import DIRECTIONS, consistent_drop, larger_drop, own_over_neighbors, own_over_random
from harness.consistency import OtsuThreshold, StaticThreshold
from harness.errors import DataError
from harness.models.handle import resolve_model
from harness.models.names import BUILTIN_FOLDER, resolve_name
from harness.models.organisms.registry import PLANTED, world_of
from harness.pipeline import Settings, Workspace
from tests.planted import evidence_of_truth
from tests.true_localizer import TrueNeurons

PAPERS, OTSU, FIGURE_3 = StaticThreshold(0.1), OtsuThreshold(), StaticThreshold(0.3)
ROWS: list[Claim] = [
    *(Prevalence(threshold=threshold, procedure=Procedure(draws=2_000)) for threshold in (PAPERS, OTSU, FIGURE_3)),
    *(PrevalenceByRelation(threshold=threshold) for threshold in (PAPERS, OTSU, FIGURE_3)),
    *(Separation(threshold=threshold, procedure=Procedure(draws=2_000)) for threshold in (PAPERS, OTSU)),
]

MEASURED: list[EffectClaim] = [
    claim(threshold=threshold, direction=direction, procedure=Procedure(draws=2_000))
    for claim in (own_over_neighbors, larger_drop, consistent_drop, own_over_random)
    for threshold in (PAPERS, OTSU)
    for direction in DIRECTIONS
]

EDITED = [
    f"{claim}_{kind}"
    for claim in (
        "local_edits",
        "global_edits",
        "global_cost",
        "cas_average",
        "cas_balance",
        "cas_cost",
        "cas_consistent",
        "cas_held_out",
    )
    for kind in ("erase", "update")
]
"""Claims about edits, which take a model to be decided: a session decides them."""

RIGHT = ("ig", "sig", "amig", "amig-paper")
"""Localizers that find the planted neurons."""


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_the_name_stands_for_a_model_that_carries_verdicts(name: str) -> None:
    found = resolve_name(name)
    assert (found.id, found.builtin, found.planted, found.folder) == (name, True, PLANTED[name], None)
    cells = {(claim.name, claim.threshold.name) for claim in ROWS}  # type: ignore[attr-defined]
    joint = {(claim, threshold.name) for claim in ("agreement", "trend") for threshold in (PAPERS, OTSU)}
    expected = resolve_model(name).expected
    attention = {(claim, threshold.name) for claim in ATTENTION_CLAIMS for threshold in (PAPERS, OTSU)}
    measured = {(one.name, "ig", one.threshold.name) for one in MEASURED}
    edited = {(claim, "ig", threshold.name) for claim in EDITED for threshold in (PAPERS, OTSU)}
    stated = {(claim, method, t) for claim, t in cells | joint | attention for method in RIGHT}
    assert expected.keys() >= stated | measured | edited


@pytest.mark.parametrize("name", sorted(PLANTED))
@pytest.mark.parametrize("localizer", RIGHT)
def test_expected_verdicts_of_joint_claims_where_there_is_one_localizer_and_one_model(
    name: str, localizer: str
) -> None:
    expected = resolve_model(name).expected
    for threshold in (PAPERS, OTSU):
        assert expected["agreement", localizer, threshold.name] == "NOT_APPLICABLE"
        assert expected["trend", localizer, threshold.name] == "NOT_APPLICABLE"


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_expected_verdicts_are_those_of_a_localizer_that_makes_no_mistake(name: str) -> None:
    """So a run that disagrees has a fault in the localizer or the pipeline, or the rule has changed."""
    evidence = evidence_of_truth(world_of(name))
    expected = resolve_model(name).expected
    for claim in ROWS:
        verdict = str(claim.decide(evidence).verdict)
        for localizer in RIGHT:
            assert expected[claim.name, localizer, claim.threshold.name] == verdict  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["planted-gpt2", "planted-homogeneous", "planted-consistent"])
def test_expected_verdicts_of_interventions_are_those_on_the_planted_neurons(name: str, tmp_path: Path) -> None:
    """What is suppressed and enhanced are the neurons that the weights were written for."""
    handle, workspace = resolve_model(name), Workspace(Settings(store=tmp_path))
    assert handle.world is not None
    for claim in MEASURED:
        row = workspace.judge(claim, handle, TrueNeurons(handle.world), claim.threshold.name)
        assert handle.expected[claim.name, "ig", claim.threshold.name] == row.verdict, row.reason


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
