"""`--answer joint` from the command line to the store, on a trained model whose objects are often several tokens."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.models.handle import resolve_model
from harness.models.queries import encode_query
from tests.naive import naive_path_integral
from tests.shared_data import SHARED, needs_shared

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[1]
MODEL, DATA = SHARED / "models/gpt2-pararel", SHARED / "data/pararel-known"
RULE = "gauss-legendre:4"


def run(store: Path, answer: str) -> dict[str, Any]:
    """Runs one claim on few facts; gives the saved manifest."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "kntests/statistical/test_prevalence.py", "-p", "no:cacheprovider"),
            *(f"--model={MODEL}", f"--data={DATA}", "--relations=P131,P361", "--limit=6", f"--quadrature={RULE}"),
            *(f"--answer={answer}", "--draws=100", "--fail-on=never", f"--store={store}", f"--save={answer}"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (path,) = (store / "runs").glob(f"*_{answer}/run.json")
    return json.loads(path.read_text())["manifest"]


def rows(store: Path, answer: str) -> dict[str, dict[str, Any]]:
    """What the store holds under an answer and the rule asked for, by the rows' keys."""
    found: dict[str, dict[str, Any]] = {}
    for path in store.glob("localizations/*/manifest.json"):
        config = json.loads(path.read_text())["config"]
        if config["answer"] == answer and config["quadrature"] == {"rule": "gauss-legendre", "steps": 4}:
            for shard in path.parent.glob("shard-*.parquet"):
                found |= {row["row_key"]: row for row in pq.read_table(shard).to_pylist()}
    return found


@needs_shared("models/gpt2-pararel", "data/pararel-known")
def test_from_the_command_line_to_the_store(tmp_path: Path) -> None:
    assert run(tmp_path, "joint")["settings"]["answer"] == "joint"
    assert run(tmp_path, "first")["settings"]["answer"] == "first"
    joint, first = rows(tmp_path, "joint"), rows(tmp_path, "first")
    assert joint.keys() == first.keys()
    lengths = {row["n_answer_tokens"] for row in joint.values()}
    assert 1 in lengths
    assert len(lengths) > 2
    moved: list[bool] = []
    for key, row in joint.items():  # what is said of the answer does not depend on what is localized
        for name in ("answer_probability", "joint_probability", "top_token_is_answer"):
            assert row[name] == first[key][name]
        same = row["max_score"] == pytest.approx(first[key]["max_score"], rel=1e-3)
        if row["n_answer_tokens"] == 1:
            assert same
        else:  # it may be the same where the other tokens are as good as certain
            moved.append(not same)
    assert sum(moved) > len(moved) / 2

    model = resolve_model(str(MODEL)).loaded()
    nodes, weights = (torch.from_numpy(a) for a in Quadrature.parse(RULE).nodes_and_weights())
    for length in lengths:  # one stored row of each, recomputed
        row = next(row for row in joint.values() if row["n_answer_tokens"] == length)
        query = encode_query(model.tokenizer, row["prompt"], row["answer"], context_length=None)
        scores = naive_path_integral(model, query.prompt_ids, query.answer_ids, nodes, weights).numpy()
        assert row["max_score"] == pytest.approx(float(scores.max()), rel=1e-4)
        np.testing.assert_allclose(
            row["scores"], scores.ravel()[row["neurons"]], rtol=0, atol=1e-4 * float(scores.max())
        )
