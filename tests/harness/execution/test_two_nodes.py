"""A Ray cluster of two nodes, processes on this machine, one of which is lost in the middle."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.data.folder import load_folder
from harness.execution import plan as plan_module
from harness.execution.engine import Job
from harness.execution.engines import make_engine
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing, open_store
from harness.execution.plan import Plan, make_plan
from harness.execution.progress import Quiet
from harness.localizers import make_localizer
from harness.models.handle import ModelHandle, resolve_model
from tests.random_models import random_model, word_tokenizer

ray = pytest.importorskip("ray")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

OWN = "tests.harness.execution.slow_localizer:Slow"
QUADRATURE = Quadrature(rule="right", steps=4)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Its head has no core, so every actor is on one of the two others, which may import what this process may."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")])))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def shards_of(handle: ModelHandle, folder: Path) -> Plan:
    for name, lines in {
        "patterns": ['{"pattern": "w1 [X] w2 [Y]."}', '{"pattern": "[X] w3 w4 w5 [Y]."}'],
        "facts": [f'{{"sub_label": "w{i}", "obj_label": "w{i + 30}", "uuid": "u{i}"}}' for i in range(10, 30)],
    }.items():
        (folder / name).mkdir()
        (folder / name / "P1.jsonl").write_text("\n".join(lines))
    return make_plan(load_folder(folder).queries(), handle.tokenizer, context_length=64)


class LosingANode(Quiet):
    """Counts queries, and takes a node away without a word when some are done."""

    def __init__(self, cluster: Any, node: Any) -> None:
        self.queries = 0
        self.lost = False
        self._cluster, self._node = cluster, node

    def advance(self, queries: int) -> None:
        self.queries += queries
        if self.queries >= 8 and not self.lost:
            self.lost = True
            self._cluster.remove_node(self._node, allow_graceful=False)


def test_a_node_lost_in_the_middle_costs_nothing(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "SHARD_ROWS", 4)
    random_model("gpt2", dtype=torch.float32, layers=1).model.save_pretrained(tmp_path / "model")
    word_tokenizer().save_pretrained(tmp_path / "model")
    handle = resolve_model(str(tmp_path / "model"), device="cpu")
    plan = shards_of(handle, tmp_path)
    job = Job(handle=handle, localizer=make_localizer(OWN, quadrature=QUADRATURE), batch_size=None)
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    engine = make_engine(
        "ray",
        localizers=[OWN],
        quadrature=QUADRATURE,
        answer="first",
        adapter=None,
        address=cluster.address,
        actors=2,
    )
    losing = LosingANode(cluster, nodes[0])
    store = open_store(tmp_path / "ray", handle, job.localizer)
    localize_missing(plan, job, store, losing, engine=engine, label="test")
    engine.close()
    assert losing.lost
    assert losing.queries == len(plan.requests) == 40
    here = open_store(tmp_path / "here", handle, job.localizer)
    localize_missing(plan, job, here, Quiet(), engine=InProcess(), label="test")
    keys = [request.encoded.key for request in plan.requests]
    rows, expected = ({row["row_key"]: row for row in one.read(keys).to_pylist()} for one in (store, here))
    assert rows == expected
