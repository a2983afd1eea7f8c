"""All of ParaRel under three localizers, read again from a complete store: seconds, memory, and size on disk."""

import json
import subprocess
import sys
from pathlib import Path

from transformers import AutoTokenizer

from benchmarks.conftest import Ledger
from benchmarks.full_store import ENTRIES, fill, save_model
from tests.shared_data import SHARED, needs_shared

pytestmark = needs_shared("data/pararel", "data/gpt2-tokenizer")

SECONDS, MEGABYTES = 30, 1500


def test_reading_a_full_store(tmp_path: Path, ledger: Ledger) -> None:
    model, data, store = tmp_path / "model", SHARED / "data/pararel", tmp_path / "store"
    save_model(model, AutoTokenizer.from_pretrained(SHARED / "data/gpt2-tokenizer"))
    fill(model, data, store)
    size = sum(path.stat().st_size for path in store.rglob("shard-*.parquet"))
    command = [sys.executable, "-m", "benchmarks.full_store", *map(str, (model, data, store))]
    child = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    found = json.loads(child.stdout)
    each = ", ".join(f"{name} {found[name]:.1f}" for name in ("ig", "sig", "amig"))
    ledger.notes.append(
        f"full store ({found['facts']:,} facts, {found['queries']:,} queries, 3 localizers, about {ENTRIES} stored"
        f" neurons a query): {found['seconds']:.1f} s ({each}), {found['cpu_seconds']:.1f} s of CPU with imports,"
        f" {found['peak_mb']:,.0f} MB, {size / 1e6:,.0f} MB on disk"
    )
    assert (found["facts"], found["queries"], found["model_loads"]) == (24_943, 141_658, 0)
    assert found["seconds"] < SECONDS
    assert found["peak_mb"] < MEGABYTES
