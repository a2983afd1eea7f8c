"""The script that injects faults sees what they cost: it would not print zeros whatever happened."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.execution import plan as plan_module
from harness.store.localizations import LocalizationStore
from scripts.faults.kinds import KINDS
from scripts.faults.world import SHARD_ROWS, Cost, World, shards_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    rows = plan_module.SHARD_ROWS
    yield World(tmp_path_factory.mktemp("world"))
    plan_module.SHARD_ROWS = rows


def nothing(name: str, store: LocalizationStore) -> set[Path]:
    return set()


def test_a_shard_that_goes_without_a_fault_of_its_own_is_lost(world: World) -> None:
    def lose(name: str, store: LocalizationStore) -> set[Path]:
        shards_of(store)[1].unlink()
        return set()

    cost = Cost()
    world.trial(cost, nothing)
    assert cost == Cost(faults=1)
    world.trial(cost, lose)
    assert cost == Cost(faults=2, lost=SHARD_ROWS, again=SHARD_ROWS)


def test_a_number_that_changes_is_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cost, key = Cost(), world.keys[-1]
    monkeypatch.setitem(world.rows, key, replace(world.rows[key], answer_probability=0.125))
    world.trial(cost, nothing)
    assert cost == Cost(faults=1, wrong=1)


@pytest.mark.filterwarnings("ignore:.*set aside:UserWarning")
@pytest.mark.parametrize("kind", ["garbage for a shard", "foreign shard"])
def test_what_is_damaged_is_computed_again_and_nothing_is_lost(world: World, kind: str) -> None:
    cost = Cost()
    KINDS[kind](world, cost)
    assert cost.faults >= 10
    assert (cost.lost, cost.wrong) == (0, 0)
    assert cost.again > 0
