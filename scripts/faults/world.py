"""A small real store with some of its entries finished, a fault, and what it cost."""

import shutil
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import torch

from harness.attribution.quadrature import Quadrature
from harness.data.facts import Fact, Query
from harness.errors import StoreError
from harness.execution import plan as plan_module
from harness.execution.engine import Job
from harness.execution.local import InProcess
from harness.execution.localizing import localize_missing, open_store
from harness.execution.plan import Request, make_plan
from harness.execution.progress import Quiet
from harness.localizers import make_localizer
from harness.models.checkpoint import quiet_transformers
from harness.models.handle import resolve_model
from harness.store.localizations import LocalizationStore
from harness.store.rows import LocalizationRow
from tests.random_models import random_model, word_tokenizer

SHARD_ROWS = 8
SHARDS = 6


class Known:
    """An engine that gives rows that were computed before, and counts; so a thousand faults take seconds."""

    def __init__(self, rows: dict[str, LocalizationRow], *, pause: float = 0.0) -> None:
        self.computed: list[str] = []
        self._rows = rows
        self._pause = pause

    def compute(self, shards: Sequence[Sequence[Request]], job: Job) -> Generator[list[LocalizationRow]]:
        """The rows of each shard after a pause."""
        for requests in shards:
            time.sleep(self._pause)
            keys = [request.encoded.key for request in requests]
            self.computed += keys
            yield [self._rows[key] for key in keys]


@dataclass(slots=True)
class Cost:
    """What the faults of one kind came to."""

    faults: int = 0
    lost: int = 0
    again: int = 0
    wrong: int = 0


class World:
    """A small model, its queries, their rows, and stores that hold some of them."""

    def __init__(self, root: Path) -> None:
        """Localizes the queries once."""
        self._root = root
        with quiet_transformers():
            random_model("gpt2", dtype=torch.float32, layers=2).model.save_pretrained(root / "model")
        word_tokenizer().save_pretrained(root / "model")
        handle = resolve_model(str(root / "model"), device="cpu")
        self.job = Job(
            handle=handle, localizer=make_localizer("ig", quadrature=Quadrature(rule="right", steps=4)), batch_size=None
        )
        plan_module.SHARD_ROWS = SHARD_ROWS
        self.plan = make_plan(_queries(SHARDS * SHARD_ROWS), handle.tokenizer, context_length=64)
        self.keys = [request.encoded.key for request in self.plan.requests]
        store = self.store("undisturbed")
        localize_missing(self.plan, self.job, store, Quiet(), engine=InProcess(), label="undisturbed")
        self.expected = store.read(self.keys).sort_by("row_key")
        self.rows = {row["row_key"]: LocalizationRow(**_tuples(row)) for row in self.expected.to_pylist()}

    def store(self, name: str) -> LocalizationStore:
        """The store of that name, as a session opens it."""
        return open_store(self._root / name, self.job.handle, self.job.localizer)

    def run(self, name: str, *, pause: float = 0.0) -> list[str]:
        """What a session does; gives the keys that it computed."""
        engine = Known(self.rows, pause=pause)
        localize_missing(self.plan, self.job, self.store(name), Quiet(), engine=engine, label=name)
        return engine.computed

    def trial(self, cost: Cost, fault: Callable[[str, LocalizationStore], set[Path]], *, finished: int = 3) -> None:
        """One fault on a store with so many finished shards; `fault` gives the shards that it damaged."""
        name = f"trial-{cost.faults}"
        store = self.store(name)
        for shard in self.plan.shards()[:finished]:
            store.write_rows([self.rows[request.encoded.key] for request in shard])
        held = {path: set(pq.read_table(path)["row_key"].to_pylist()) for path in shards_of(store)}
        damaged = fault(name, store)
        spared = set[str]().union(*(keys for path, keys in held.items() if path not in damaged))
        cost.faults += 1
        cost.lost += len(spared - self.store(name).present())
        computed = self.run(name)
        try:
            found = self.store(name).read(self.keys)
        except StoreError:  # damaged where only reading comes; the same command again
            computed += self.run(name)
            found = self.store(name).read(self.keys)
        cost.again += len(set(computed) & set[str]().union(*held.values()))
        cost.wrong += not found.sort_by("row_key").equals(self.expected)
        shutil.rmtree(self._root / name)


def _queries(n: int) -> Iterator[Query]:
    for i in range(n):
        fact = Fact(uid=f"u{i}", relation="P1", subject=f"w{i + 1}", object=f"w{i + 2}")
        for index, prompt in enumerate([f"w9 w{i + 1} w8", f"w{i + 1} w3 w4 w5"][: 1 + i % 2]):
            yield Query(fact=fact, index=index, pattern_id=f"P1:{index}", prompt=prompt)


def _tuples(row: dict[str, object]) -> dict[str, object]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def shards_of(store: LocalizationStore) -> list[Path]:
    """Its shards, by name."""
    return sorted(store.folder.glob("shard-*.parquet"))
