"""A model that cannot be had says why, against a hub on loopback that answers as the real one does."""

import errno
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http

from harness.errors import ModelError
from harness.models import hub as hub_module
from harness.models.hub import download
from tests.harness.models.loopback_hub import COMMIT, Answer, Hub, cut, hang_up, page, served, status, wait

FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{} ", "pytorch_model.bin": b"no"}
ASKED, FILE = "/revision/", "/resolve/"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_http.time, "sleep", lambda _seconds: None)  # between the client's own attempts
    monkeypatch.setattr(hub_module, "PATIENCE", 0.5)
    logging.disable()  # the client's word on every attempt
    with served() as hub:
        point_to(hub.url, monkeypatch)
        hub.files = dict(FILES)
        yield hub
    logging.disable(logging.NOTSET)


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


def fetch(hub_id: str = "owner/model", **choices: Any) -> Path:
    return download(hub_id, **{"revision": None, "offline": False, "with_code": False, **choices})


def refused(*texts: str, hub_id: str = "owner/model", **choices: Any) -> str:
    with pytest.raises(ModelError) as caught:
        fetch(hub_id, **choices)
    told = str(caught.value)
    assert caught.value.model == hub_id
    assert "\n" not in told
    for text in texts:
        assert text in told
    return told


def test_what_is_needed_is_fetched_and_then_found_without_a_network(hub: Hub) -> None:
    folder = fetch()
    assert folder.name == COMMIT
    assert {path.name for path in folder.iterdir()} == set(FILES) - {"pytorch_model.bin"}
    hub.asked.clear()
    assert fetch(offline=True) == folder
    assert not hub.asked


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("where", [ASKED, FILE])
def test_gated(hub: Hub, where: str, code: int) -> None:
    hub.misbehave[where] = status(code, X_Error_Code="GatedRepo")
    refused("owner/model is gated: accept its licence at https://huggingface.co/owner/model, then run `hf auth login`")


@pytest.mark.parametrize("answer", [status(401, X_Error_Code="RepoNotFound"), status(404, X_Error_Code="RepoNotFound")])
def test_missing_or_misspelt(hub: Hub, answer: Answer) -> None:
    hub.misbehave[ASKED] = answer
    assert "Did you mean" not in refused("the hub has no model 'owner/model'", "logged in (`hf auth login`)")
    refused("Did you mean meta-llama/Llama-2-7b-hf?", hub_id="meta-lama/Llama-2-7b-hf")


def test_a_revision_that_does_not_exist(hub: Hub) -> None:
    hub.misbehave[ASKED] = status(404, X_Error_Code="RevisionNotFound")
    refused("owner/model has no revision 'step1'", "listed at", revision="step1")


@pytest.mark.parametrize("hub_id", ["owner/mo del", "owner/-model", "owner/model.git"])
def test_an_id_that_is_none(hub: Hub, hub_id: str) -> None:
    refused(f"{hub_id} could not be fetched: ", hub_id=hub_id)
    assert not hub.asked


@pytest.mark.parametrize(
    ("where", "answer", "says"),
    [
        (ASKED, status(500), "the hub answers 500 Internal Server Error, and the cache"),
        (ASKED, status(503), "the hub answers 503 Service Unavailable, and the cache"),
        (ASKED, status(429), "the hub answers 429 Too Many Requests, and the cache"),
        (ASKED, status(401, X_Error_Message="Invalid credentials in Authorization header"), "401 Unauthorized (Inv"),
        (ASKED, hang_up, "no connection to http://127.0.0.1:"),
        (ASKED, wait, "no connection to http://127.0.0.1:"),
        (ASKED, page, "owner/model could not be fetched: "),
        ("/tree/", status(404), "the hub answers 404 Not Found"),
        (FILE, status(500), "the hub answers 500 Internal Server Error"),
        (FILE, status(404, X_Error_Code="EntryNotFound"), "the hub answers 404 Not Found"),
        (FILE, hang_up, "no connection to http://127.0.0.1:"),
        (f"{COMMIT}/model.safetensors", cut, "no connection to http://127.0.0.1:"),
    ],
)
def test_a_network_or_hub_that_fails(hub: Hub, where: str, answer: Answer, says: str) -> None:
    hub.misbehave[where] = answer
    refused(says, "Run `hf download owner/model` where there is a network, or pass the model's folder")


def test_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    point_to("http://127.0.0.1:9", monkeypatch)
    refused("no connection to http://127.0.0.1:9 (", "refused", "has none of its files")


@pytest.mark.parametrize("answer", [status(503), wait, hang_up])
def test_what_is_in_the_cache_is_used_if_the_hub_cannot_be_asked(hub: Hub, answer: Answer) -> None:
    folder = fetch()
    hub.misbehave["/"] = answer
    assert fetch() == folder


def test_offline_names_what_is_missing(hub: Hub) -> None:
    refused("may not be fetched (--offline", "has none of its files", offline=True)
    folder = fetch()
    (folder / "tokenizer.json").unlink()
    refused("tokenizer.json", "Run `hf download owner/model`", offline=True)
    (folder / "model.safetensors").unlink()
    refused(f"{folder} lacks model.safetensors. Run", offline=True)
    hub.misbehave["/"] = status(503)
    refused("the hub answers 503", f"{folder} lacks model.safetensors. Run")


def test_a_model_without_safetensors(hub: Hub) -> None:
    del hub.files["model.safetensors"]
    refused("owner/model cannot be used: it has no model.safetensors")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_cache_that_cannot_be_written(hub: Hub, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(*_args: object, **_named: object) -> str:
        raise OSError(code, "No room")

    monkeypatch.setattr(hub_module, "snapshot_download", fail)
    refused(f"could not be stored in {constants.HF_HUB_CACHE}: No room")
