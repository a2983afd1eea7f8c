"""Files of somebody else run no code and write nowhere: models, tokenizers, facts, shards and records."""

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from harness.data.folder import load_folder
from harness.errors import HarnessError, ModelError
from harness.models.handle import resolve_model
from harness.store.shards import ShardFolder
from tests.random_models import random_model, word_tokenizer

SCHEMA = pa.schema([pa.field("row_key", pa.string(), nullable=False)])


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
