"""A real Ray cluster on this machine, with two actors of one core each; started once, because that takes a while."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.data.folder import load_folder
from harness.errors import ConfigError, ModelError
from harness.execution import plan as plan_module
from harness.execution.engine import Job
from harness.execution.engines import make_engine
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing, open_store
from harness.execution.plan import Plan, make_plan
from harness.execution.progress import Quiet
from harness.localizers import make_localizer
from harness.models.handle import ModelHandle, resolve_model
from tests.descendants import descendants
from tests.random_models import random_model, word_tokenizer

ray = pytest.importorskip("ray")

on_ray = pytest.importorskip("harness.execution.on_ray")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

OWN = "tests.harness.execution.slow_localizer:Slow"
QUADRATURE = Quadrature(rule="right", steps=4)


@pytest.fixture(scope="module")
def handle(tmp_path_factory: pytest.TempPathFactory) -> ModelHandle:
    path = tmp_path_factory.mktemp("ray") / "model"
    random_model("gpt2", dtype=torch.float32).model.save_pretrained(path)
    word_tokenizer().save_pretrained(path)
    return resolve_model(str(path), device="cpu")


@pytest.fixture
def plan(handle: ModelHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(plan_module, "SHARD_ROWS", 4)
    for name, lines in {
        "patterns": ['{"pattern": "w1 [X] w2 [Y]."}', '{"pattern": "[X] w3 w4 w5 [Y]."}'],
        "facts": [f'{{"sub_label": "w{i}", "obj_label": "w{i + 30}", "uuid": "u{i}"}}' for i in range(10, 30)],
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "P1.jsonl").write_text("\n".join(lines))
    return make_plan(load_folder(tmp_path).queries(), handle.tokenizer, context_length=64)


@pytest.fixture(scope="module")
def engine() -> Iterator[object]:
    engine = make_engine(
        "ray",
        localizers=["ig", OWN],
        quadrature=QUADRATURE,
        answer="first",
        adapter=None,
        address="local",
        actors=2,
    )
    yield engine
    engine.close()
    ray.shutdown()


class Watching(Quiet):
    """Counts queries, and kills an actor's process when some are done."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.queries = 0
        self.killed: list[int] = []
        self._kill_at = kill_at

    def advance(self, queries: int) -> None:
        self.queries += queries
        if self._kill_at is not None and self.queries >= self._kill_at and not self.killed:
            self.killed = [next(iter(actor_processes()))]
            os.kill(self.killed[0], signal.SIGKILL)


def actor_processes() -> set[int]:
    """Processes of live actors, by the name that Ray gives them."""
    return {number for number, name in descendants(os.getpid()).items() if name.startswith("ray::_Remote")}


def stored(plan: Plan, job: Job, root: Path, engine: object, progress: Quiet) -> list[dict[str, object]]:
    store = open_store(root, job.handle, job.localizer)
    localize_missing(plan, job, store, progress, engine=engine, label="test")
    keys = [request.encoded.key for request in plan.requests]
    rows = {row["row_key"]: row for row in store.read(keys).to_pylist()}
    return [rows[key] for key in keys]


def test_rows_from_two_actors_are_those_of_one_process(
    plan: Plan, handle: ModelHandle, engine: object, tmp_path: Path
) -> None:
    localizer = make_localizer("ig", quadrature=QUADRATURE)
    job = Job(handle=handle, localizer=localizer, batch_size=None)
    watching = Watching()
    rows = stored(plan, job, tmp_path / "ray", engine, watching)
    assert handle.n_loads == 0
    assert watching.queries == len({row["row_key"] for row in rows}) == 40
    assert rows == stored(plan, job, tmp_path / "here", InProcess(), Quiet())


def test_an_actor_killed_in_the_middle_costs_nothing(
    plan: Plan, handle: ModelHandle, engine: object, tmp_path: Path
) -> None:
    """kill -9; the localizer is slow and of one's own, so that the actor has work when it dies."""
    job = Job(handle=handle, localizer=make_localizer(OWN, quadrature=QUADRATURE), batch_size=None)
    watching = Watching(kill_at=8)
    rows = stored(plan, job, tmp_path / "ray", engine, watching)
    assert watching.killed
    assert watching.killed[0] not in actor_processes()
    assert watching.queries == 40
    shards = list((tmp_path / "ray").rglob("shard-*.parquet"))
    assert len(shards) == 10
    assert rows == stored(plan, job, tmp_path / "here", InProcess(), Quiet())


def test_what_an_actor_says_is_told_here(plan: Plan, handle: ModelHandle, engine: object, tmp_path: Path) -> None:
    """A model whose files are gone when the actor looks; an actor has no words of its own for it."""
    broken = resolve_model(str(handle.folder), dtype="float64", device="cpu")
    job = Job(handle=broken, localizer=make_localizer("ig", quadrature=QUADRATURE), batch_size=None)
    recipe = {**broken.recipe(), "folder": str(tmp_path / "gone"), "source": "gone-too"}
    broken.recipe = lambda: recipe
    with pytest.raises(ModelError, match="no model 'gone-too'"):
        stored(plan, job, tmp_path / "ray", engine, Quiet())


@pytest.mark.parametrize(("device", "says"), [("cuda:1", "a GPU of its own"), ("cuda", "has no GPU")])
def test_a_device_that_actors_cannot_have(device: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 8.0})
    with pytest.raises(ConfigError, match=says):
        on_ray._division(device, None)


@pytest.mark.parametrize(
    ("device", "resources", "actors", "expected"),
    [
        ("auto", {"CPU": 16.0, "GPU": 4.0}, None, (4, {"num_cpus": 1, "num_gpus": 1})),
        ("cuda", {"CPU": 16.0, "GPU": 4.0}, 2, (2, {"num_cpus": 1, "num_gpus": 1})),
        ("auto", {"CPU": 16.0, "GPU": 4.0}, 9, (4, {"num_cpus": 1, "num_gpus": 1})),
        ("cpu", {"CPU": 16.0, "GPU": 4.0}, None, (4, {"num_cpus": 4})),
        ("auto", {"CPU": 16.0}, 3, (3, {"num_cpus": 5})),
        ("auto", {"CPU": 2.0}, None, (1, {"num_cpus": 2})),
    ],
)
def test_one_actor_a_gpu_or_a_share_of_the_cores(
    device: str,
    resources: dict[str, float],
    actors: int | None,
    expected: tuple[int, dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray, "cluster_resources", lambda: resources)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert on_ray._division(device, actors) == expected
