"""What a process elsewhere makes of what it is told; in this process, so without Ray."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.attribution.quadrature import Quadrature
from harness.data.facts import Fact, Query
from harness.errors import ConfigError, ModelError
from harness.execution.engine import Job
from harness.execution.engines import make_engine
from harness.execution.local import InProcess
from harness.execution.plan import Request
from harness.execution.worker import LocalizerSpec, ShardWorker, Specs, make_order
from harness.localizers import HasVariant, make_localizer
from harness.models.handle import ModelHandle, resolve_model
from harness.models.queries import encode_query
from tests.random_models import random_model, word_tokenizer

QUADRATURE = Quadrature(rule="right", steps=4)
OWN = "tests.shifted_localizer:ShiftedByOne"
SPECS = Specs([LocalizerSpec(name=name, rule="right", steps=4, answer="first") for name in ("ig", OWN)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("worker") / "model"
    random_model("gpt2", dtype=torch.float32).model.save_pretrained(path)
    word_tokenizer().save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def handle(folder: Path) -> ModelHandle:
    return resolve_model(str(folder))


def requests(handle: ModelHandle) -> list[Request]:
    fact = Fact(uid="u", relation="P1", subject="w3", object="w30")
    return [
        Request(
            query=Query(fact=fact, index=i, pattern_id=f"P1:{i}", prompt=prompt),
            encoded=encode_query(handle.tokenizer, prompt, "w30", context_length=64),
        )
        for i, prompt in enumerate(["w1 w3 w2", "w3 w4 w5", "w3 w7"])
    ]


def only_builtins(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and only_builtins(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(only_builtins, value))
    return value is None or type(value) in (str, int, float, bool)


def computed(job: Job, shards: Sequence[list[Request]]) -> list[Any]:
    return list(InProcess().compute(shards, job))


@pytest.mark.parametrize(("name", "variant"), [("ig", False), ("ig", True), (OWN, False)])
def test_rows_of_a_worker_are_those_of_this_process(handle: ModelHandle, name: str, variant: bool) -> None:
    localizer = make_localizer(name, quadrature=QUADRATURE)
    if variant:
        assert isinstance(localizer, HasVariant)
        localizer = localizer.variant()
    job = Job(handle=handle, localizer=localizer, batch_size=2)
    order = make_order(job, SPECS, None)
    assert (order.localizer.name, order.localizer.variant) == (name, variant)
    assert only_builtins(order.model)
    assert only_builtins(order.identity)
    worker = ShardWorker(order.model, None, threads=torch.get_num_threads())
    worker.load()
    assert worker.rows(order, requests(handle)) == computed(job, [requests(handle)])[0]


def test_a_model_that_is_another_there_is_refused(handle: ModelHandle, tmp_path: Path) -> None:
    random_model("gpt2", dtype=torch.float32, seed=1).model.save_pretrained(tmp_path)
    word_tokenizer().save_pretrained(tmp_path)
    job = Job(handle=handle, localizer=make_localizer("ig", quadrature=QUADRATURE), batch_size=None)
    order = make_order(job, SPECS, None)
    worker = ShardWorker({**order.model, "folder": str(tmp_path)}, None)
    with pytest.raises(ModelError, match="not the same where its shards are computed: weights differ"):
        worker.rows(order, requests(handle))


def test_a_localizer_that_is_another_there_is_refused(handle: ModelHandle) -> None:
    job = Job(handle=handle, localizer=make_localizer("ig", quadrature=QUADRATURE), batch_size=None)
    order = make_order(job, SPECS, None)
    other = replace(order, localizer=replace(order.localizer, steps=5))
    with pytest.raises(ModelError, match="config differ"):
        ShardWorker(order.model, None).rows(other, requests(handle))


def test_a_localizer_of_no_spec_stays_here(handle: ModelHandle) -> None:
    job = Job(handle=handle, localizer=make_localizer("sig", quadrature=QUADRATURE), batch_size=None)
    with pytest.raises(ConfigError, match=r"'sig' cannot be made again.*--engine local"):
        make_order(job, SPECS, None)


def test_a_model_on_several_devices_is_not_sent(folder: Path) -> None:
    handle = resolve_model(str(folder))
    handle.device_map = "auto"
    job = Job(handle=handle, localizer=make_localizer("ig", quadrature=QUADRATURE), batch_size=None)
    with pytest.raises(ConfigError, match="--device-map"):
        make_order(job, SPECS, None)


def test_a_recipe_without_its_folder_goes_by_name() -> None:
    handle = resolve_model("tiny-gpt2", dtype="float64", device="cpu")
    recipe = handle.recipe()
    assert (recipe["source"], recipe["dtype"], recipe["device"]) == ("tiny-gpt2", "float64", "cpu")
    job = Job(handle=handle, localizer=make_localizer("ig", quadrature=QUADRATURE), batch_size=None)
    worker = ShardWorker({**recipe, "folder": "/nowhere/at/all"}, None)
    order = make_order(job, SPECS, None)
    fact = Fact(uid="u", relation="P1", subject="Paris", object="France")
    query = Query(fact=fact, index=0, pattern_id="P1:1", prompt="Paris is in")
    encoded = encode_query(handle.tokenizer, query.prompt, fact.object, context_length=None)
    request = Request(query=query, encoded=encoded)
    assert worker.rows(order, [request]) == computed(job, [[request]])[0]


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[ray\]'"):
        make_engine(
            "ray", localizers=["ig"], quadrature=QUADRATURE, answer="first", adapter=None, address="local", actors=None
        )
