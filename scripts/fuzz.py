"""Feeds a loader with what a fuzzer makes up, guided by coverage: whatever it is, it is read or refused by our errors.

    pip install atheris                                     # a wheel for Linux and Python 3.11
    python scripts/fuzz.py facts -max_total_time=720        # one loader, twelve minutes; ends at the first failure
    python scripts/fuzz.py shards crash-0123...             # a failure again, from the file that it left
    python scripts/fuzz.py all -max_total_time=720          # every loader in turn, and a table: inputs tried, failures

The loaders are facts, patterns, records, shards, models and expressions; what follows the name is libFuzzer's. It ends
the process itself, so the folder in which files were written stays in TMPDIR; in memory it is ten times as fast.
"""

import io
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris
import pyarrow as pa
import pyarrow.parquet as pq
from tabulate import tabulate

with atheris.instrument_imports(include=["harness", "reports", "plugins"]):
    from harness.attribution.quadrature import Quadrature
    from harness.consistency import parse_threshold
    from harness.data.check import check_folder
    from harness.data.folder import load_folder
    from harness.errors import HarnessError
    from harness.models.files import foreign_weights, missing_files
    from harness.records import RunRecord
    from harness.store.inspection import leftovers, problems
    from harness.store.rows import ROW_SCHEMA
    from harness.store.shards import ShardFolder, shard_name
    from plugins.settings import whole
    from reports.gate.limits import parse_limits
    from tests.reports.saved import MANIFEST, ROW

WORK = Path(tempfile.mkdtemp(prefix="kntests-fuzz-"))

FACTS: list[Any] = [
    {"uuid": "u1", "sub_label": "Paris", "obj_label": "France"},
    {"uuid": "u2", "sub_label": "Rome", "obj_label": "Italy"},
]
PATTERNS: list[Any] = [{"pattern": "[X] is in [Y]."}, {"pattern": "[X] lies in [Y] ."}]
EXPRESSIONS = ("static:0.1", "otsu", "right:20", "gauss-legendre:10", "gen:-0.02@p<0.05,cs2:+5%", "4096", "-7")


def read_folder(patterns: bytes, facts: bytes) -> None:
    """A data folder, read as a session reads it and as its author checks it."""
    for name, content in (("patterns", patterns), ("facts", facts)):
        (WORK / "data" / name).mkdir(parents=True, exist_ok=True)
        (WORK / "data" / name / "P1.jsonl").write_bytes(content)
    check_folder(WORK / "data")
    for query in load_folder(WORK / "data").queries():
        f"{query.prompt} {query.fact.object} {query.fact.uid}".encode()


def read_record(content: bytes) -> None:
    """The text of a run, and what is written of it again."""
    RunRecord.from_json(content.decode(errors="replace")).to_json()


def read_shard(content: bytes) -> None:
    """A file among the shards of a store: read by a run, and by those who look after the store."""
    store = ShardFolder(WORK / "store/localizations", {"model": "m"}, ROW_SCHEMA)
    for left in store.folder.glob("shard-*"):
        left.unlink()
    for name in (SHARD_NAME, "shard-0.parquet"):
        (store.folder / name).write_bytes(content)
    list(problems(WORK / "store"))
    list(leftovers(WORK / "store"))
    store.present()
    store.read(["k1"])


def read_model(content: bytes) -> None:
    """What is read of a model's folder before transformers comes to it: configuration and index."""
    folder = WORK / "model"
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors.index.json"):
        (folder / name).write_bytes(content)
    missing_files(folder)
    foreign_weights(folder)


def read_expressions(content: bytes) -> None:
    """One text for everything that reads a small language of ours."""
    text = content.decode(errors="surrogateescape")
    for read in (parse_threshold, Quadrature.parse, parse_limits, lambda asked: whole("limit", asked, 1)):
        refusing(lambda read=read: read(text))


def refusing(read: Callable[[], object]) -> None:
    """Lets our errors pass, whose text has to be one that can be printed, and nothing else."""
    try:
        read()
    except HarnessError as error:
        str(error).encode(errors="backslashreplace")  # as stderr does


def a_shard() -> bytes:
    """What a store holds: two rows."""
    row: dict[str, Any] = {field.name: _example(field.type) for field in ROW_SCHEMA}
    table = pa.Table.from_pylist([{**row, "row_key": key} for key in SHARD_KEYS], schema=ROW_SCHEMA)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="none")  # the fuzzer is to change values, not zstd's frames
    return sink.getvalue()


def _example(kind: pa.DataType) -> object:
    if pa.types.is_list(kind):
        return [1, 2]
    return "x" if pa.types.is_string(kind) else True if pa.types.is_boolean(kind) else 1


def lines(records: list[Any]) -> bytes:
    """One line of JSON a record."""
    return "\n".join(map(json.dumps, records)).encode()


def either(content: bytes, example: list[Any]) -> bytes:
    """The bytes as they are, or what they make of an example: bytes alone seldom get past the first bracket."""
    source = atheris.FuzzedDataProvider(content)
    if source.ConsumeBool():
        return content
    changed = _changed(example, source)
    return lines(changed) if isinstance(changed, list) else json.dumps(changed).encode()


def _changed(value: Any, source: Any) -> Any:
    """The value with something in it left out or replaced."""
    if not isinstance(value, dict | list) or not value or source.ConsumeIntInRange(0, 7) == 0:
        return _made_up(source, depth=3)
    other = value.copy()
    key: Any = source.PickValueInList(list(value) if isinstance(value, dict) else list(range(len(value))))
    if source.ConsumeIntInRange(0, 7) == 0:
        del other[key]
    else:
        other[key] = _changed(value[key], source)
    return _changed(other, source) if source.ConsumeBool() else other


def _made_up(source: Any, depth: int) -> Any:
    """Some JSON, numbers among it that JSON does not know."""
    kind = source.ConsumeIntInRange(0, 7 if depth else 5)
    if kind >= 6:
        inner = [_made_up(source, depth - 1) for _ in range(source.ConsumeIntInRange(0, 3))]
        return inner if kind == 6 else {source.ConsumeUnicode(8): value for value in inner}
    if kind >= 4:
        return source.ConsumeUnicode(40)
    return (None, source.ConsumeBool(), source.ConsumeInt(40), source.ConsumeFloat())[kind]


SHARD_KEYS = ["k1", "k2"]
SHARD_NAME = shard_name(SHARD_KEYS)
MODEL: Any = {"weight_map": {"a": "model-1.safetensors", "b": "../x.bin"}, "transformers_weights": "y.safetensors"}
RECORD = json.loads(RunRecord(manifest=MANIFEST, claims=(ROW,)).to_json())

LOADERS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "facts": (lambda content: read_folder(lines(PATTERNS), either(content, FACTS)), [lines(FACTS)]),
    "patterns": (lambda content: read_folder(either(content, PATTERNS), lines(FACTS)), [lines(PATTERNS)]),
    "records": (lambda content: read_record(either(content, [RECORD])), [lines([RECORD])]),
    "shards": (read_shard, [a_shard()]),
    "models": (lambda content: read_model(either(content, [MODEL])), [lines([MODEL])]),
    "expressions": (read_expressions, [text.encode() for text in EXPRESSIONS]),
}


def fuzz_all(arguments: list[str]) -> int:
    """Fuzzes one loader after the other and prints a table; 1 if something came through that is no error of ours."""
    rows: list[tuple[str, str, str, str]] = []
    for name in LOADERS:
        started = time.monotonic()
        command = [sys.executable, __file__, name, *arguments]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        tried = [int(number) for number in re.findall(r"^#(\d+)", done.stderr, re.MULTILINE)]
        if done.returncode:
            sys.stderr.write(done.stderr[-4000:])
        rows.append(
            (name, f"{max(tried, default=0):,}", str(int(done.returncode != 0)), f"{time.monotonic() - started:.0f}")
        )
    print(tabulate(rows, ["loader", "bad inputs tried", "failures", "seconds"], colalign=("left", *["right"] * 3)))
    return int(any(row[2] != "0" for row in rows))


def main(arguments: list[str]) -> None:
    """Fuzzes the loader that is named, from examples of what it is for; never returns."""
    if arguments[1:2] == ["all"]:
        sys.exit(fuzz_all(arguments[2:]))
    if len(arguments) < 2 or arguments[1] not in LOADERS:
        sys.exit(f"usage: {arguments[0]} {'|'.join(LOADERS)}|all [libFuzzer's arguments]")
    read, examples = LOADERS[arguments[1]]
    corpus = WORK / "corpus"
    corpus.mkdir()
    for number, example in enumerate(examples):
        (corpus / str(number)).write_bytes(example)
    warnings.simplefilter("ignore")  # of shards that are set aside
    single = any(Path(argument).is_file() for argument in arguments[2:])
    sources = [] if single else [str(corpus)]
    atheris.Setup([arguments[0], *arguments[2:], *sources], lambda content: refusing(lambda: read(content)))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
