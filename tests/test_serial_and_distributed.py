"""The benchmark in one process and in two: the same records, on as many loads as there are models."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from harness.models.names import BUILTIN_FOLDER
from harness.store.saved import saved_runs

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    """Two models under three names: what `first` and `twin` need lies in one place of the store."""
    folders = {
        name: shutil.copytree(BUILTIN_FOLDER / "tiny-gpt2", tmp_path / name) for name in ("first", "twin", "other")
    }
    weights = load_file(folders["other"] / "model.safetensors")
    save_file(
        {name: value * 1.01 for name, value in weights.items()},
        folders["other"] / "model.safetensors",
        metadata={"format": "pt"},
    )
    return [f"--model={folder}" for folder in folders.values()]


def run(store: Path, *arguments: str) -> tuple[Counter[str], Path]:
    """Runs the statistical claims on few facts; gives the loads of each model and the folder of the saved run."""
    few = ("--data=embedded", "--relations=P36,P30,P17,P37", "--limit=2", "--quadrature=gauss-legendre:4")
    command = [sys.executable, "-m", "pytest", "kntests", "-m", "statistical", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, *few, "--draws=200", "--fail-on=never", f"--store={store}", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (loads,) = re.findall(r"^models loaded: (.*)$", result.stdout, re.MULTILINE)
    (folder,) = saved_runs(store)
    each = (load.rpartition(" ") for load in loads.split(", "))
    return Counter({name: int(count) for name, _, count in each}), folder


def record(folder: Path) -> dict[str, Any]:
    """The saved run but for what two runs of the same never share, and for the name of its store."""
    saved = json.loads((folder / "run.json").read_text())
    for name in ("created", "command", "seconds"):
        del saved["manifest"][name]
    del saved["manifest"]["settings"]["store"]
    return saved


def table(folder: Path) -> list[str]:
    """The saved table but for its last line, which holds command and time."""
    lines = (folder / "tables/verdicts.md").read_text().splitlines()
    assert lines[-1].startswith("Command")
    return lines[:-1]


def test_records_are_equal_and_nothing_is_loaded_or_localized_twice(tmp_path: Path, models: list[str]) -> None:
    serial_loads, serial = run(tmp_path / "serial", *models)
    parallel_loads, parallel = run(tmp_path / "parallel", *models, "-n2")
    assert serial_loads == Counter(first=1, other=1)
    # Two processes want what `first` and `twin` share at the same time; one of them computes it.
    assert parallel_loads in (Counter(first=1, other=1), Counter(twin=1, other=1))
    assert record(parallel) == record(serial)
    rows = Counter(row["model"] for row in record(serial)["claims"])
    assert rows.keys() == {"first", "twin", "other", "first+twin+other"}
    assert rows["first"] == rows["twin"] == rows["other"] > 8
    for name in ("results.csv", "facts.csv"):
        assert (parallel / name).read_bytes() == (serial / name).read_bytes()
    assert table(parallel) == table(serial)
    assert set(pd.read_csv(serial / "facts.csv").model) == {"first", "twin", "other"}


def test_low_precision_is_compared_with_float32_in_one_process_and_in_two(tmp_path: Path, models: list[str]) -> None:
    few = (models[0], "--dtype=bfloat16", "--precision-sample=12", "-k", "test_separation")
    serial_loads, serial = run(tmp_path / "serial", *few)
    parallel_loads, parallel = run(tmp_path / "parallel", *few, "-n2")
    assert serial_loads == parallel_loads == Counter({"first": 1, "first in float32": 1})
    assert record(parallel) == record(serial)
    found = record(serial)["manifest"]["models"]["first"]["precision"]["ig"]
    assert found["n_queries"] == 12
    assert 0.5 < found["jaccard"] < 1
