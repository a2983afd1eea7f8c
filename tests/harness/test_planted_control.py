"""The control of planted neurons: what a localizer finds is held against the truth."""

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.claims import Evidence
from harness.consistency import QuerySets
from harness.data.download import HOME_VARIABLE
from harness.models.organisms.growing import grow
from harness.pipeline.planted import agreement
from tests.planted import SMALL, evidence_of_truth

REPOSITORY = Path(__file__).parents[2]


def test_agreement_counts_neurons_query_by_query() -> None:
    world = grow(SMALL)
    evidence = evidence_of_truth(world)
    found = agreement(evidence, world.dataset, world)
    assert (found.precision, found.recall) == (1.0, 1.0)
    offsets, neurons = evidence.sets.offsets, evidence.sets.neurons
    lists = [neurons[a:b].tolist() for a, b in itertools.pairwise(offsets)]
    beyond = world.recipe.layers * world.d_ff
    # One neuron of the first query is missed, the second finds one more, the third finds another query's.
    lists[0], lists[1], lists[2] = lists[0][1:], [*lists[1], beyond], lists[7]
    found = agreement(_with(evidence, lists), world.dataset, world)
    assert (found.found, found.planted) == (sum(map(len, lists)), len(neurons))
    assert found.hits == len(neurons) - 1 - len(set(neurons[offsets[2] : offsets[3]].tolist()) - set(lists[7]))


def test_nothing_found_is_nothing_wrong_and_nothing_right() -> None:
    world = grow(SMALL)
    evidence = evidence_of_truth(world)
    found = agreement(_with(evidence, [[] for _ in range(len(evidence.sets))]), world.dataset, world)
    assert (found.precision, found.recall) == (1.0, 0.0)


def _with(evidence: Evidence, lists: list[list[int]]) -> Evidence:
    return replace(evidence, sets=QuerySets.from_lists(lists))


@pytest.mark.parametrize(
    ("localizer", "red"),
    [pytest.param("ig", False, marks=pytest.mark.slow), ("tests.shifted_localizer:ShiftedByOne", True)],
)
def test_a_broken_localizer_turns_the_run_red_and_names_the_control(localizer: str, red: bool, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "pytest", "kntests/controls/test_planted_neurons.py", "-p", "no:cacheprovider", "-q"),
        *("--model=planted-consistent", f"--localizer={localizer}", "--limit=3", f"--store={tmp_path / 'store'}"),
    ]
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home")}
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == int(red), result.stdout + result.stderr
    assert ("control of planted neurons" in result.stdout) == red
    assert "Traceback" not in result.stdout
