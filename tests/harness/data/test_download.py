import errno
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from harness.data import sources
from harness.data.download import HOME_VARIABLE, Patience, cache_folder, cache_home, fetch
from harness.data.remote import RemoteData, pararel
from harness.data.sources import EMBEDDED_FOLDER, load_dataset
from harness.errors import DataError
from tests.harness.data.loopback import Home, cut, hang_up, longer, other, served, status
from tests.shared_data import needs_shared

PATIENCE = Patience(timeout=5.0, attempts=3, pause=0.01)
FIRST = "data/pattern_data/graphs_json/P1.jsonl"


def toy_contents() -> dict[str, bytes]:
    contents = {}
    for relation in ("P1", "P2", "P3"):
        patterns = [{"pattern": f"[X] {verb} [Y]."} for verb in ("is in", "lies in")]
        facts = [{"sub_label": f"s{i}", "obj_label": f"o{i}", "uuid": f"{relation}-{i}"} for i in range(4)]
        for folder, lines in (("pattern_data/graphs_json", patterns), ("trex_lms_vocab", facts)):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            contents[f"data/{folder}/{relation}.jsonl"] = text.encode()
    return contents


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("no_proxy", "*")
    with served(toy_contents()) as home:
        yield home


def fetch_toy(home: Home, folder: Path, **choices: Any) -> int:
    return fetch(home.data(), folder, **{"patience": PATIENCE, **choices})


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_fetched_and_nothing_twice(home: Home, tmp_path: Path) -> None:
    assert fetch_toy(home, tmp_path) == 6
    assert files_in(tmp_path) == set(home.contents)
    assert all((tmp_path / path).read_bytes() == content for path, content in home.contents.items())
    assert set(home.asked.values()) == {1}
    assert fetch_toy(home, tmp_path) == 0
    assert sum(home.asked.values()) == 6


def test_progress_counts_bytes(home: Home, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    fetch_toy(home, tmp_path, on_bytes=lambda done, total: told.append((done, total)))
    size = home.data().size
    assert (told[0], told[-1]) == ((0, size), (size, size))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    told.clear()
    fetch_toy(home, tmp_path, on_bytes=lambda done, total: told.append((done, total)))
    assert told == [(size, size)]


@pytest.mark.parametrize("failure", [cut, hang_up, other, longer, status(500), status(503), status(429)])
def test_what_may_pass_is_tried_again(home: Home, tmp_path: Path, failure: Any) -> None:
    home.misbehave[FIRST] = [failure, failure]
    assert fetch_toy(home, tmp_path) == 6
    assert home.asked[FIRST] == 3
    assert (tmp_path / FIRST).read_bytes() == home.contents[FIRST]


@pytest.mark.parametrize(
    ("failure", "attempts", "message"),
    [
        (other, 3, "not the file that was pinned: its SHA-256 is not [0-9a-f]{64}"),
        (longer, 3, "not the file that was pinned"),
        (cut, 3, r"only \d+ of \d+ bytes came"),
        (hang_up, 3, "no connection .*closed connection"),
        (status(404), 1, "the server answers 404 Not Found"),
        (status(403), 1, "the server answers 403"),
        (status(502), 3, "the server answers 502"),
    ],
)
def test_what_does_not_pass_is_told_and_leaves_no_wrong_file(
    home: Home, tmp_path: Path, failure: Any, attempts: int, message: str
) -> None:
    home.for_ever = True
    home.misbehave[FIRST] = [failure]
    with pytest.raises(DataError, match=message) as caught:
        fetch_toy(home, tmp_path)
    text = str(caught.value)
    assert home.url + FIRST in text
    assert "the same command fetches the rest" in text
    assert "--data=<the clone>" in text
    assert home.asked[FIRST] == attempts
    assert files_in(tmp_path) <= set(home.contents) - {FIRST}


def test_what_arrived_before_a_failure_is_kept(home: Home, tmp_path: Path) -> None:
    last = list(home.contents)[-1]
    home.for_ever = True
    home.misbehave[last] = [cut]
    with pytest.raises(DataError, match="5 of 6 files are in"):
        fetch_toy(home, tmp_path)
    home.misbehave.clear()
    home.asked.clear()
    assert fetch_toy(home, tmp_path) == 1
    assert home.asked == {last: 1}


def test_an_interrupted_run_resumes(home: Home, tmp_path: Path) -> None:
    late, interrupted = list(home.contents)[-1], Event()

    def wait(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        interrupted.wait(5)

    def interrupt(done: int, total: int) -> None:
        if done:
            interrupted.set()
            raise KeyboardInterrupt

    home.for_ever = True
    home.misbehave[late] = [wait]
    with pytest.raises(KeyboardInterrupt):
        fetch_toy(home, tmp_path, on_bytes=interrupt)
    there = files_in(tmp_path)
    assert 1 <= len(there) < 6
    home.misbehave.clear()
    home.asked.clear()
    assert fetch_toy(home, tmp_path) == 6 - len(there)
    assert set(home.asked) == set(home.contents) - there


def test_a_damaged_file_and_a_left_over_piece_do_no_harm(home: Home, tmp_path: Path) -> None:
    fetch_toy(home, tmp_path)
    home.asked.clear()
    (tmp_path / FIRST).write_bytes(home.contents[FIRST][::-1])
    (tmp_path / FIRST).with_name(".P1.jsonl.99999.tmp").write_bytes(b"half of")
    assert fetch_toy(home, tmp_path) == 1
    assert home.asked == {FIRST: 1}
    assert [relation.name for relation in sources.load_folder(tmp_path).relations] == ["P1", "P2", "P3"]


def test_no_server_at_all(home: Home, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no connection \(.*refused.*0 of 6 files"):
        fetch_toy(home, tmp_path, mirror="http://127.0.0.1:9/")


def test_an_address_that_is_none(home: Home, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown url type"):
        fetch_toy(home, tmp_path, mirror="mirror.example")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_is_asked_instead(home: Home, tmp_path: Path, slash: str) -> None:
    elsewhere = RemoteData(
        name="Toy", home="", licence="", commit="", url="http://127.0.0.1:9/", files=home.data().files
    )
    assert fetch(elsewhere, tmp_path, mirror=home.url.rstrip("/") + slash, patience=PATIENCE) == 6


def test_offline_asks_nobody_and_names_what_is_missing(home: Home, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--offline.*6 of its 6 files are missing.*and 3 more.*kntests fetch toy"):
        fetch_toy(home, tmp_path, offline=True)
    fetch_toy(home, tmp_path)
    (tmp_path / FIRST).unlink()
    home.asked.clear()
    with pytest.raises(DataError, match=f"1 of its 6 files are missing or damaged in .*: {FIRST}. Where"):
        fetch_toy(home, tmp_path, offline=True)
    assert not home.asked


def refuse_writing(monkeypatch: pytest.MonkeyPatch, code: int, error: str) -> None:
    """No permission bits: whoever runs the tests as root may write everywhere."""
    original = Path.open

    def read_only(self: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if "r" not in mode:
            raise OSError(code, error)
        return original(self, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", read_only)


@pytest.mark.parametrize(
    ("code", "error"), [(errno.EROFS, "Read-only file system"), (errno.ENOSPC, "No space left on device")]
)
def test_a_cache_that_cannot_be_written(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: str
) -> None:
    refuse_writing(monkeypatch, code, error)
    with pytest.raises(DataError, match=f"the cache cannot be written: {error}. Set {HOME_VARIABLE}"):
        fetch_toy(home, tmp_path)
    assert files_in(tmp_path) == set()


def test_a_cache_below_a_file(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="the cache cannot be written: Not a directory"):
        fetch_toy(home, tmp_path / "file")


def test_a_complete_read_only_cache_is_used(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_toy(home, tmp_path)
    refuse_writing(monkeypatch, errno.EROFS, "Read-only file system")
    assert fetch_toy(home, tmp_path) == 0


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert cache_folder(pararel()) == tmp_path / "pararel" / pararel().commit
    monkeypatch.setenv(HOME_VARIABLE, "~/somewhere")
    assert cache_home() == Path.home() / "somewhere"
    monkeypatch.delenv(HOME_VARIABLE)
    assert cache_home().name == "kntests"
    assert cache_home().is_absolute()


def test_the_name_pararel_fetches_once(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sources, "pararel", lambda: home.data("ParaRel"))
    with pytest.raises(DataError, match="ParaRel may not be fetched"):
        load_dataset("pararel", offline=True)
    dataset = load_dataset("pararel")
    assert (dataset.name, dataset.n_facts, dataset.n_queries) == ("pararel", 12, 24)
    home.asked.clear()
    assert load_dataset("pararel", offline=True).fingerprint == dataset.fingerprint
    assert not home.asked


def test_names_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"no data called 'paralel'. Did you mean pararel\?.*written ./paralel"):
        load_dataset("paralel")
    with pytest.raises(DataError, match="no such folder"):
        load_dataset("./paralel")
    (tmp_path / "embedded").symlink_to(EMBEDDED_FOLDER)
    assert load_dataset("./embedded").fingerprint == load_dataset("embedded").fingerprint


def test_the_pinned_files() -> None:
    data = pararel()
    assert (len(data.files), data.size, data.licence) == (80, 3_106_015, "MIT")
    assert data.url == f"https://raw.githubusercontent.com/yanaiela/pararel/{data.commit}/"
    assert len({file.path for file in data.files}) == 80


@needs_shared("data/pararel")
def test_pararel_whole_from_a_server(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {"data/pattern_data/graphs_json": "patterns", "data/trex_lms_vocab": "facts"}
    contents = {}
    for file in pararel().files:
        folder, _, name = file.path.rpartition("/")
        contents[file.path] = (shared / "data/pararel" / folders[folder] / name).read_bytes()
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with served(contents) as home:
        assert fetch(pararel(), cache_folder(pararel()), mirror=home.url, patience=PATIENCE) == 80
    dataset = load_dataset("pararel", offline=True)
    assert (len(dataset.relations), dataset.n_facts, dataset.n_queries) == (35, 24_943, 141_658)
