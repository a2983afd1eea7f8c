"""Files of somebody else run no code and write nowhere: models, tokenizers, facts, shards, stores and records."""

import ast
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from harness.data.folder import load_folder
from harness.errors import HarnessError, ModelError, StoreError
from harness.execution.progress import Quiet
from harness.execution.status import Recorded
from harness.models.handle import resolve_model
from harness.store.localizations import LocalizationStore
from harness.store.shards import ShardFolder
from plugins.commands import main
from reports.run import read_saved_run
from reports.writing import write_reports
from tests.harness.store.test_localizations import row
from tests.random_models import random_model, word_tokenizer
from tests.reports.saved import ROW, save

SCHEMA = pa.schema([pa.field("row_key", pa.string(), nullable=False)])
REPOSITORY = Path(__file__).parents[1]
UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
"""Modules that run what they read."""


class Explosive:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A file that exists as soon as code of somebody else has run."""
    return tmp_path / "code-was-run"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random_model("gpt2", dtype=torch.float32, layers=1).model.save_pretrained(tmp_path / "model")
    word_tokenizer().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def try_everything(folder: Path) -> None:
    """Uses the model as a session does; any error of ours will do."""
    try:
        handle = resolve_model(str(folder))
        _ = handle.config, handle.tokenizer, handle.shape, handle.loaded()
    except HarnessError:
        pass


@pytest.mark.parametrize("model_type", ["gpt2", "somebodys-own"])
def test_code_that_comes_with_a_model_is_not_run(folder: Path, trace: Path, model_type: str) -> None:
    code = f"from pathlib import Path\nPath({str(trace)!r}).touch()\n"
    for module in ("configuration_own", "modeling_own", "tokenization_own", "conftest", "__init__"):
        (folder / f"{module}.py").write_text(code)
    changed(
        folder / "config.json",
        model_type=model_type,
        auto_map={
            "AutoConfig": "configuration_own.Config",
            "AutoModel": "modeling_own.Model",
            "AutoModelForCausalLM": "modeling_own.Model",
        },
    )
    changed(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_own.Own", None]})
    try_everything(folder)
    assert not trace.exists()


def test_pickled_weights_are_not_read(folder: Path, trace: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Explosive(trace)))
    with pytest.raises(ModelError, match="safetensors"):
        resolve_model(str(folder))
    assert not trace.exists()


def test_pickled_weights_beside_safe_ones_are_not_read(folder: Path, trace: Path) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "scheduler.pt"):
        (folder / name).write_bytes(pickle.dumps(Explosive(trace)))
    resolve_model(str(folder)).loaded()
    assert not trace.exists()


@pytest.mark.parametrize(
    "weights",
    ["adapter_model.bin", "deeper/model.safetensors", "../outside.safetensors", "/etc/passwd", "x.index.json"],
)
def test_a_configuration_leads_to_no_other_weights(folder: Path, trace: Path, weights: str) -> None:
    """transformers reads what `transformers_weights` names before all else, a pickle called adapter_model.bin too."""
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Explosive(trace)))
    for place in (folder / "deeper/model.safetensors", folder.parent / "outside.safetensors"):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes((folder / "model.safetensors").read_bytes())
    changed(folder / "config.json", transformers_weights=weights)
    with pytest.raises(ModelError, match="no safetensors file of its folder"):
        resolve_model(str(folder)).loaded()
    assert not trace.exists()


def test_the_pickled_metadata_of_a_distributed_checkpoint_is_not_read(folder: Path, trace: Path) -> None:
    (folder / "shard-00001-model-00001-of-00001.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (folder / ".metadata").write_bytes(pickle.dumps(Explosive(trace)))
    with pytest.raises(ModelError, match="distributed form"):
        resolve_model(str(folder)).loaded()
    assert not trace.exists()


def test_a_configuration_names_no_code_of_the_hub(folder: Path) -> None:
    """An attention implementation may be the id of a repository, from which a kernel is fetched and run."""
    own = resolve_model(str(folder))
    changed(folder / "config.json", attn_implementation="somebody/kernel")
    handle = resolve_model(str(folder))
    assert handle.shape == own.shape
    assert handle.loaded().attention_implementation == handle.family.attention


@pytest.mark.parametrize("name", ["config.json", "model.safetensors.index.json"])
def test_a_file_that_is_nested_too_deeply_is_an_error_of_ours(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / name).write_text("[" * 100_000)
    with pytest.raises(ModelError):
        resolve_model(str(folder)).loaded()


def test_what_a_link_in_a_models_folder_leads_to_is_read_and_told_apart_but_not_written(folder: Path) -> None:
    """The hub's own cache consists of links, so they are followed."""
    outside = folder.parent / "blob"
    (folder / "model.safetensors").rename(outside)
    (folder / "model.safetensors").symlink_to(outside)
    before, content = resolve_model(str(folder)), outside.read_bytes()
    before.loaded()
    fingerprint = before.fingerprint
    assert outside.read_bytes() == content
    outside.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert resolve_model(str(folder)).fingerprint != fingerprint


@pytest.mark.parametrize("weights", ["../outside.safetensors", "/etc/passwd", "pytorch_model.bin"])
def test_an_index_leads_to_no_other_files(folder: Path, trace: Path, weights: str) -> None:
    (folder.parent / "outside.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Explosive(trace)))
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"transformer.wte.weight": weights}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError):
        resolve_model(str(folder)).loaded()
    assert not trace.exists()


def test_a_chat_template_is_never_rendered(folder: Path, trace: Path) -> None:
    command = f"{{{{ cycler.__init__.__globals__.os.system('touch {trace}') }}}}"
    changed(folder / "tokenizer_config.json", chat_template=command)
    (folder / "chat_template.jinja").write_text(command)
    try_everything(folder)
    assert not trace.exists()


def test_a_shard_with_pickled_types_is_only_set_aside(tmp_path: Path, trace: Path) -> None:
    store = ShardFolder(tmp_path / "store", {"model": "m"}, SCHEMA)
    hostile = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Explosive(trace)),
    }
    schema = pa.schema([pa.field("row_key", pa.string(), metadata=hostile)])
    pq.write_table(pa.table({"row_key": ["k"]}, schema=schema), store.folder / "shard-0.parquet")
    with pytest.warns(UserWarning, match="set aside"):
        assert store.present() == set()
    assert not trace.exists()


@pytest.mark.parametrize("text", ["../../escape", "/etc/passwd", "a/b", "$(touch x)", "<script>", "=cmd()"])
def test_texts_of_facts_are_texts(tmp_path: Path, text: str) -> None:
    data = tmp_path / "data"
    for name, lines in {
        "patterns": ['{"pattern": "[X] is in [Y]"}', '{"pattern": "[X] lies in [Y]"}'],
        "facts": [json.dumps({"uuid": text, "sub_label": text, "obj_label": text})],
    }.items():
        (data / name).mkdir(parents=True)
        (data / name / "P1.jsonl").write_text("\n".join(lines))
    before = sorted(path for path in tmp_path.rglob("*"))
    (fact,) = load_folder(data).facts()
    assert (fact.uid, fact.subject, fact.object) == (text, text, text)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


@pytest.mark.parametrize("name", ["/../../../escape", "../../escape", "/etc/escape", "a\\b", "..", "<b>", "=cmd()"])
def test_names_in_a_record_are_no_paths(tmp_path: Path, name: str) -> None:
    run = save(tmp_path / "deep/er/run", claims=(replace(ROW, claim=name), replace(ROW, claim=name + "-", model=name)))
    before = files_in(tmp_path)
    written = write_reports(read_saved_run(run), run, ("csv", "latex"))
    assert len(set(written)) == len(written)
    assert all(path.parent == run / "tables" for path in written)
    assert set(files_in(tmp_path)) - set(before) == set(written)


@pytest.mark.parametrize("name", ["tables", "figures"])
def test_a_run_whose_folders_lead_elsewhere_gets_no_reports(tmp_path: Path, name: str) -> None:
    run, elsewhere = save(tmp_path / "run"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    if (run / name).is_dir():
        (run / name).rename(run / "away")
    (run / name).symlink_to(elsewhere)
    with pytest.raises(StoreError, match="is a link"):
        write_reports(read_saved_run(run), run, ("csv", "figures"))
    assert not any(elsewhere.iterdir())


@pytest.mark.parametrize("kind", ["localizations", "measurements"])
@pytest.mark.parametrize("level", ["kind", "folder", "file"])
def test_looking_after_a_store_follows_no_link_out_of_it(
    tmp_path: Path, kind: str, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of somebody's work looks much like leftovers: a manifest.json of another program, and *.tmp."""
    work = tmp_path / "work/project"
    work.mkdir(parents=True)
    for name in ("manifest.json", "notes.tmp", "old.unreadable"):
        (work / name).write_text("{}" if name == "manifest.json" else "precious")
    ShardFolder(tmp_path / "work", {"numerics": 0, "version": 0}, SCHEMA).write([{"row_key": "k"}])
    store = tmp_path / "store"
    LocalizationStore(store, {"weights": "w"}).write_rows([row("a")])
    link = {"kind": store / kind, "folder": store / kind / "abc", "file": store / kind / "abc/x.tmp"}[level]
    if level == "kind" and link.exists():
        link.rename(store / "away")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to({"kind": work.parent, "folder": work, "file": work / "notes.tmp"}[level])
    before = files_in(work.parent)
    assert main(["store", "gc", "--store", str(store), "--yes"]) == 0
    assert files_in(work.parent) == before
    assert main(["store", "verify", "--store", str(store)]) == 1
    assert main(["store", "info", "--store", str(store)]) == 0
    assert ("is a link" in capsys.readouterr().out) == (level != "file")


def test_what_a_store_is_written_with_goes_through_no_link_that_lies_in_it(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    store = LocalizationStore(tmp_path / "store", {"weights": "w"})
    for name in ("rows.lock", "evidence.lock", "shard-0.parquet.tmp"):
        (store.folder / name).symlink_to(precious)
    recorded = Recorded(Quiet(), tmp_path / "store")
    recorded._folder.mkdir()
    recorded._path.symlink_to(precious)
    with store.alone("rows", lambda: None), store.alone("evidence", lambda: None):
        store.write_rows([row("a")])
        recorded.start("label", 10, 0)
    assert precious.read_text() == "precious"
    assert store.present() == {"a"}


def test_nothing_of_ours_unpickles() -> None:
    """No module that does is imported, and torch, numpy and pandas are not asked to."""
    for package in ("harness", "plugins", "reports", "kntests", "scripts", "examples"):
        for path in (REPOSITORY / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
                    assert not {name.partition(".")[0] for name in names} & UNPICKLING, path
                if isinstance(node, ast.Attribute):
                    assert ast.unparse(node) not in ("torch.load", "np.load", "numpy.load", "torch.jit.load"), path
                    assert node.attr not in ("read_pickle", "unsafe_load"), path
                if isinstance(node, ast.keyword):
                    assert node.arg != "allow_pickle", path
